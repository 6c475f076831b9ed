// SPDX-License-Identifier: Apache-2.0

import com.amazonaws.AmazonServiceException;
import com.amazonaws.ClientConfiguration;
import com.amazonaws.HttpMethod;
import com.amazonaws.client.builder.AwsClientBuilder;
import com.amazonaws.client.builder.AwsClientBuilder.EndpointConfiguration;
import com.amazonaws.services.dynamodbv2.*;
import com.amazonaws.services.dynamodbv2.document.DynamoDB;
import com.amazonaws.services.dynamodbv2.document.Item;
import com.amazonaws.services.dynamodbv2.document.Table;
import com.amazonaws.services.dynamodbv2.model.*;
import com.amazonaws.services.lambda.AWSLambdaClientBuilder;
import com.amazonaws.services.lambda.model.InvokeRequest;
import com.amazonaws.services.s3.AmazonS3;
import com.amazonaws.services.s3.AmazonS3ClientBuilder;
import com.amazonaws.services.s3.model.*;
import com.amazonaws.services.s3.model.DeleteObjectsRequest.KeyVersion;
import com.amazonaws.services.s3.transfer.TransferManager;
import com.amazonaws.services.s3.transfer.TransferManagerBuilder;
import com.amazonaws.services.securitytoken.AWSSecurityTokenServiceClientBuilder;
import com.amazonaws.services.securitytoken.model.GetCallerIdentityRequest;
import com.amazonaws.waiters.FixedDelayStrategy;
import com.amazonaws.waiters.MaxAttemptsRetryStrategy;
import com.amazonaws.waiters.PollingStrategy;
import com.amazonaws.waiters.WaiterParameters;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.net.URL;
import java.nio.file.Files;
import java.util.*;
import java.util.stream.*;

/** The story of test_story.py told by the AWS SDK for Java 1.11.400 of August 2018. */
public class Story {
  static final String BUCKET = "story-" + Steps.TAG, TABLE = "story-" + Steps.TAG;
  static AmazonS3 s3 = make(AmazonS3ClientBuilder.standard().withPathStyleAccessEnabled(true));
  static AmazonDynamoDB dynamodb = make(AmazonDynamoDBClientBuilder.standard());

  static <B extends AwsClientBuilder<B, T>, T> T make(B builder) {
    return builder.withEndpointConfiguration(new EndpointConfiguration(Steps.ENDPOINT, "us-east-1"))
        .withClientConfiguration(new ClientConfiguration().withMaxErrorRetry(0)).build();
  }

  static AmazonServiceException raises(String code, Steps.Step step) {
    AmazonServiceException error = Steps.raises(AmazonServiceException.class, step);
    Steps.equal(error.getErrorCode(), code);
    return error;
  }

  static PutObjectResult put(String key, byte[] data) {
    ObjectMetadata metadata = new ObjectMetadata();
    metadata.setContentLength(data.length);
    return s3.putObject(BUCKET, key, new ByteArrayInputStream(data), metadata);
  }

  static byte[] body(GetObjectRequest request) throws Exception {
    return Steps.all(s3.getObject(request).getObjectContent());
  }

  static byte[] body(String key) throws Exception {
    return body(new GetObjectRequest(BUCKET, key));
  }

  static void bucket() {
    Steps.equal(s3.doesBucketExistV2(BUCKET), false);  // asks for its ACL
    s3.createBucket(BUCKET);
    Steps.equal(s3.doesBucketExistV2(BUCKET), true);
    s3.headBucket(new HeadBucketRequest(BUCKET));
    Steps.isTrue(s3.listBuckets().stream().anyMatch(b -> b.getName().equals(BUCKET)), "not listed");
    Steps.equal(s3.getBucketLocation(BUCKET), "US");
    Steps.isTrue(s3.getBucketAcl(BUCKET).getOwner().getId() != null, "no owner");
  }

  static void object() throws Exception {
    String key = "dir/ein Schlüssel +&=?.txt";
    ObjectMetadata metadata = new ObjectMetadata();
    metadata.setContentLength(5);
    metadata.setContentType("text/plain");
    metadata.addUserMetadata("colour", "blue");
    PutObjectResult made = s3.putObject(BUCKET, key, new ByteArrayInputStream("hello".getBytes()), metadata);
    Steps.equal(made.getETag(), "5d41402abc4b2a76b9719d911017c592");
    S3Object got = s3.getObject(BUCKET, key);
    Steps.equal(new String(Steps.all(got.getObjectContent())), "hello");
    Steps.equal(List.of(got.getObjectMetadata().getContentType(), got.getObjectMetadata().getUserMetaDataOf("colour")), List.of("text/plain", "blue"));
    Steps.equal(new String(body(new GetObjectRequest(BUCKET, key).withRange(1, 3))), "ell");
    Steps.equal(s3.copyObject(BUCKET, key, BUCKET, "copy").getETag(), made.getETag());
    Steps.equal(s3.getObjectMetadata(BUCKET, "copy").getUserMetaDataOf("colour"), "blue");
    Steps.isTrue(s3.doesObjectExist(BUCKET, key), "gone");
    for (String gone : List.of(key, "copy")) s3.deleteObject(BUCKET, gone);
    Steps.isTrue(!s3.doesObjectExist(BUCKET, key), "still there");
    s3.putObject(BUCKET, "empty", "");
    Steps.equal(s3.getObjectAsString(BUCKET, "empty"), "");
  }

  static void shape() throws Exception {
    byte[] data = Steps.pattern(3 * Steps.MIB + 1);
    put("shape/bytes", data);
    put("shape/one", new byte[] {'x'});
    s3.putObject(BUCKET, "shape/text", "ü");
    Steps.equal(body("shape/bytes"), data);
    Steps.equal(body("shape/one"), new byte[] {'x'});
    Steps.equal(s3.getObjectAsString(BUCKET, "shape/text"), "ü");
    Steps.equal(s3.getObjectMetadata(BUCKET, "shape/bytes").getContentEncoding(), null);
  }

  static void multipart() throws Exception {
    byte[] data = Steps.pattern(17 * Steps.MIB);
    File source = File.createTempFile("story", null), target = File.createTempFile("story", null);
    TransferManager manager = TransferManagerBuilder.standard().withS3Client(s3).build();
    try {
      Files.write(source.toPath(), data);
      manager.upload(BUCKET, "multipart", source).waitForCompletion();
      ObjectMetadata head = s3.getObjectMetadata(BUCKET, "multipart");
      Steps.equal(List.of(head.getContentLength(), head.getETag().endsWith("-4")), List.of((long) data.length, true));
      manager.download(BUCKET, "multipart", target).waitForCompletion();
      Steps.equal(Files.readAllBytes(target.toPath()), data);
    } finally {
      manager.shutdownNow(false);
      source.delete();
      target.delete();
    }
    String upload = s3.initiateMultipartUpload(new InitiateMultipartUploadRequest(BUCKET, "aborted")).getUploadId();
    s3.uploadPart(new UploadPartRequest().withBucketName(BUCKET).withKey("aborted").withUploadId(upload).withPartNumber(1).withPartSize(4)
        .withInputStream(new ByteArrayInputStream("part".getBytes())));
    Steps.equal(s3.listParts(new ListPartsRequest(BUCKET, "aborted", upload)).getParts().get(0).getSize(), 4L);
    Steps.equal(s3.listMultipartUploads(new ListMultipartUploadsRequest(BUCKET)).getMultipartUploads().get(0).getUploadId(), upload);
    s3.abortMultipartUpload(new AbortMultipartUploadRequest(BUCKET, "aborted", upload));
    raises("NoSuchUpload", () -> s3.listParts(new ListPartsRequest(BUCKET, "aborted", upload)));
  }

  static void list() {
    List<String> keys = IntStream.range(0, 25).mapToObj(n -> String.format("list/%02d", n)).collect(Collectors.toList());
    keys.forEach(k -> s3.putObject(BUCKET, k, ""));
    List<String> seen = new ArrayList<>();
    List<Integer> sizes = new ArrayList<>();
    ObjectListing page = s3.listObjects(new ListObjectsRequest().withBucketName(BUCKET).withPrefix("list/").withMaxKeys(10));
    for (;; page = s3.listNextBatchOfObjects(page)) {
      sizes.add(page.getObjectSummaries().size());
      page.getObjectSummaries().forEach(o -> seen.add(o.getKey()));
      if (!page.isTruncated()) break;
    }
    Steps.equal(List.of(sizes, seen), List.of(List.of(10, 10, 5), keys));
    Steps.equal(s3.listObjectsV2(new ListObjectsV2Request().withBucketName(BUCKET).withPrefix("list/").withMaxKeys(7)).getKeyCount(), 7);
    Steps.isTrue(s3.listObjects(new ListObjectsRequest().withBucketName(BUCKET).withDelimiter("/")).getCommonPrefixes().contains("list/"), "no prefix");
    Steps.equal(s3.deleteObjects(new DeleteObjectsRequest(BUCKET).withKeys(keys.toArray(new String[0]))).getDeletedObjects().size(), 25);
    Steps.equal(s3.listObjects(BUCKET, "list/").getObjectSummaries().size(), 0);
  }

  static void presigned() throws Exception {
    Date soon = new Date(System.currentTimeMillis() + 300_000);
    GeneratePresignedUrlRequest request = new GeneratePresignedUrlRequest(BUCKET, "pre signed", HttpMethod.PUT).withExpiration(soon);
    request.setContentType("application/octet-stream");
    Steps.fetch("PUT", s3.generatePresignedUrl(request), "by plain HTTP".getBytes(), 200);
    URL get = s3.generatePresignedUrl(BUCKET, "pre signed", soon);
    Steps.equal(Steps.fetch("GET", get, null, 200), "by plain HTTP");
    if (Steps.STRICT) Steps.isTrue(Steps.fetch("GET", Steps.spoiled(get), null, 403).contains("SignatureDoesNotMatch"), "another error");
  }

  static void conditionalPut() throws Exception {
    PutObjectRequest request = new PutObjectRequest(BUCKET, "once", new ByteArrayInputStream(new byte[] {'1'}), new ObjectMetadata());
    request.putCustomRequestHeader("If-None-Match", "*");
    s3.putObject(request);
    request.setInputStream(new ByteArrayInputStream(new byte[] {'2'}));
    Steps.equal(raises("PreconditionFailed", () -> s3.putObject(request)).getStatusCode(), 412);
    Steps.equal(body("once"), new byte[] {'1'});
    // Its way to say that a condition of a read did not hold.
    Steps.equal(s3.getObject(new GetObjectRequest(BUCKET, "once").withMatchingETagConstraint("0")), null);
  }

  static void tags() {
    s3.putObject(new PutObjectRequest(BUCKET, "tagged", new ByteArrayInputStream(new byte[0]), new ObjectMetadata())
        .withTagging(new ObjectTagging(List.of(new com.amazonaws.services.s3.model.Tag("a", "1"), new com.amazonaws.services.s3.model.Tag("b", "two words")))));
    Steps.equal(tagsOf(), List.of("a=1", "b=two words"));
    s3.setObjectTagging(new SetObjectTaggingRequest(BUCKET, "tagged", new ObjectTagging(List.of(new com.amazonaws.services.s3.model.Tag("c", "")))));
    Steps.equal(tagsOf(), List.of("c="));
    s3.deleteObjectTagging(new DeleteObjectTaggingRequest(BUCKET, "tagged"));
    Steps.equal(tagsOf(), List.of());
    Steps.equal(s3.getBucketTaggingConfiguration(BUCKET), null);  // made of NoSuchTagSet
  }

  static List<String> tagsOf() {
    return s3.getObjectTagging(new GetObjectTaggingRequest(BUCKET, "tagged")).getTagSet().stream().map(t -> t.getKey() + "=" + t.getValue())
        .sorted().collect(Collectors.toList());
  }

  static void versioning(String status) {
    s3.setBucketVersioningConfiguration(new SetBucketVersioningConfigurationRequest(BUCKET, new BucketVersioningConfiguration(status)));
  }

  static void versions() throws Exception {
    versioning("Enabled");
    Steps.equal(s3.getBucketVersioningConfiguration(BUCKET).getStatus(), "Enabled");
    String first = put("v", new byte[] {'1'}).getVersionId(), second = put("v", new byte[] {'2'}).getVersionId();
    Steps.equal(body("v"), new byte[] {'2'});
    Steps.equal(body(new GetObjectRequest(BUCKET, "v", first)), new byte[] {'1'});
    s3.deleteObject(BUCKET, "v");
    raises("NoSuchKey", () -> s3.getObject(BUCKET, "v"));
    List<S3VersionSummary> listed = s3.listVersions(BUCKET, "v").getVersionSummaries();
    Steps.equal(listed.stream().map(v -> v.isDeleteMarker() + (v.isDeleteMarker() ? "" : v.getVersionId())).collect(Collectors.toList()), List.of("true", "false" + second, "false" + first));
    s3.deleteVersion(BUCKET, "v", listed.get(0).getVersionId());
    Steps.equal(body("v"), new byte[] {'2'});
    versioning("Suspended");
  }

  static void s3Errors() {
    AmazonS3Exception missing = Steps.raises(AmazonS3Exception.class, () -> s3.getObject(BUCKET, "missing"));
    Steps.equal(List.of(missing.getErrorCode(), missing.getStatusCode()), List.of("NoSuchKey", 404));
    Steps.isTrue(missing.getErrorResponseXml().contains("<Key>missing</Key>"), missing.getErrorResponseXml());
    raises("NoSuchBucket", () -> s3.listObjects("missing-" + Steps.TAG));
    raises("BucketNotEmpty", () -> s3.deleteBucket(BUCKET));
  }

  static void removeBucket() {
    List<KeyVersion> found = new ArrayList<>();
    VersionListing page = s3.listVersions(new ListVersionsRequest().withBucketName(BUCKET).withMaxResults(4));
    for (;; page = s3.listNextBatchOfVersions(page)) {
      page.getVersionSummaries().forEach(v -> found.add(new KeyVersion(v.getKey(), v.getVersionId())));
      if (!page.isTruncated()) break;
    }
    s3.deleteObjects(new DeleteObjectsRequest(BUCKET).withKeys(found).withQuiet(true));
    s3.deleteBucket(BUCKET);
    Steps.equal(s3.doesBucketExistV2(BUCKET), false);
  }

  static Map<String, AttributeValue> key(String pk, int sk) {
    return new HashMap<>(Map.of("pk", text(pk), "sk", number(sk)));
  }

  static AttributeValue text(String value) {
    return new AttributeValue().withS(value);
  }

  static AttributeValue number(int value) {
    return new AttributeValue().withN(String.valueOf(value));
  }

  static PollingStrategy patience() {
    return new PollingStrategy(new MaxAttemptsRetryStrategy(60), new FixedDelayStrategy(1));
  }

  static void table() {
    ProvisionedThroughput five = new ProvisionedThroughput(5L, 5L);  // on-demand tables came later
    CreateTableRequest request = new CreateTableRequest().withTableName(TABLE).withProvisionedThroughput(five)
        .withAttributeDefinitions(new AttributeDefinition("pk", "S"), new AttributeDefinition("sk", "N"), new AttributeDefinition("genre", "S"))
        .withKeySchema(new KeySchemaElement("pk", "HASH"), new KeySchemaElement("sk", "RANGE"))
        .withGlobalSecondaryIndexes(new GlobalSecondaryIndex().withIndexName("by-genre").withProvisionedThroughput(five)
            .withProjection(new Projection().withProjectionType("ALL")).withKeySchema(new KeySchemaElement("genre", "HASH"), new KeySchemaElement("sk", "RANGE")));
    Steps.equal(dynamodb.createTable(request).getTableDescription().getTableName(), TABLE);
    dynamodb.waiters().tableExists().run(new WaiterParameters<>(new DescribeTableRequest(TABLE)).withPollingStrategy(patience()));
    TableDescription described = dynamodb.describeTable(TABLE).getTable();
    Steps.equal(List.of(described.getTableStatus(), described.getGlobalSecondaryIndexes().get(0).getIndexStatus(), described.getProvisionedThroughput().getReadCapacityUnits()),
        List.of("ACTIVE", "ACTIVE", 5L));
    Steps.raises(ResourceInUseException.class, () -> dynamodb.createTable(request));
  }

  static void items() {  // by the document interface
    Table table = new DynamoDB(dynamodb).getTable(TABLE);
    Item item = new Item().withPrimaryKey("pk", "items", "sk", 1).withNumber("n", new java.math.BigDecimal("12345678901234567890.123456789012345678"))
        .withBinary("b", new byte[] {0, (byte) 255}).withBoolean("t", true).withNull("z").withList("l", "ü", new java.math.BigDecimal(-1)).withMap("m", Map.of("deep", Map.of()))
        .withStringSet("ss", "a", "b");
    table.putItem(item);
    Item got = table.getItem("pk", "items", "sk", 1);
    Steps.equal(List.of(got.getNumber("n"), got.getList("l"), got.getMap("m"), got.getStringSet("ss"), got.isNull("z")),
        List.of(item.getNumber("n"), item.getList("l"), item.getMap("m"), item.getStringSet("ss"), true));
    Steps.equal(got.getBinary("b"), item.getBinary("b"));
    UpdateItemResult updated = dynamodb.updateItem(new UpdateItemRequest().withTableName(TABLE).withKey(key("items", 1)).withReturnValues("UPDATED_NEW")
        .withUpdateExpression("SET #c = if_not_exists(#c, :zero) + :one, l = list_append(l, :more) REMOVE z").withExpressionAttributeNames(Map.of("#c", "counter"))
        .withExpressionAttributeValues(Map.of(":zero", number(0), ":one", number(1), ":more", new AttributeValue().withL(text("x")))));
    Steps.equal(List.of(updated.getAttributes().get("counter").getN(), updated.getAttributes().get("l").getL().size()), List.of("1", 3));
    // The form from before expressions, which code of this SDK's age uses.
    dynamodb.updateItem(new UpdateItemRequest().withTableName(TABLE).withKey(key("items", 1))
        .addAttributeUpdatesEntry("counter", new AttributeValueUpdate(number(4), AttributeAction.ADD)));
    Map<String, AttributeValue> old = dynamodb.deleteItem(TABLE, key("items", 1), "ALL_OLD").getAttributes();
    Steps.equal(List.of(old.get("counter").getN(), old.containsKey("z")), List.of("5", false));
    Steps.equal(table.getItem("pk", "items", "sk", 1), null);
  }

  static void batch() {
    List<WriteRequest> puts = new ArrayList<>();
    for (int n = 0; n < 25; ++n) {
      Map<String, AttributeValue> item = key("batch", n);
      item.put("genre", text(n % 2 == 1 ? "odd" : "even"));
      puts.add(new WriteRequest(new PutRequest(item)));
    }
    Steps.equal(dynamodb.batchWriteItem(Map.of(TABLE, puts)).getUnprocessedItems().size(), 0);
    KeysAndAttributes wanted = new KeysAndAttributes().withKeys(List.of(key("batch", 3), key("batch", 24), key("batch", 99)));
    Steps.equal(dynamodb.batchGetItem(Map.of(TABLE, wanted)).getResponses().get(TABLE).stream().map(i -> i.get("sk").getN()).sorted().collect(Collectors.toList()), List.of("24", "3"));
    puts.add(puts.get(0));
    raises("ValidationException", () -> dynamodb.batchWriteItem(Map.of(TABLE, puts)));
  }

  static void query() {
    List<String> seen = new ArrayList<>();
    QueryRequest request = new QueryRequest(TABLE).withLimit(8).withKeyConditionExpression("pk = :p AND sk BETWEEN :a AND :b")
        .withExpressionAttributeValues(Map.of(":p", text("batch"), ":a", number(1), ":b", number(20)));
    do {
      QueryResult page = dynamodb.query(request);
      page.getItems().forEach(i -> seen.add(i.get("sk").getN()));
      request.setExclusiveStartKey(page.getLastEvaluatedKey());
    } while (request.getExclusiveStartKey() != null);
    Steps.equal(seen, IntStream.rangeClosed(1, 20).mapToObj(String::valueOf).collect(Collectors.toList()));
    QueryRequest back = new QueryRequest(TABLE).withIndexName("by-genre").withScanIndexForward(false).withLimit(3).withKeyConditionExpression("genre = :g")
        .withExpressionAttributeValues(Map.of(":g", text("odd")));
    Steps.equal(dynamodb.query(back).getItems().stream().map(i -> i.get("sk").getN()).collect(Collectors.toList()), List.of("23", "21", "19"));
    QueryRequest legacy = new QueryRequest(TABLE).addKeyConditionsEntry("pk", new Condition().withComparisonOperator("EQ").withAttributeValueList(text("batch")))
        .addQueryFilterEntry("genre", new Condition().withComparisonOperator("BEGINS_WITH").withAttributeValueList(text("ev")));
    Steps.equal(dynamodb.query(legacy).getCount(), 13);
  }

  static void scan() {
    int count = 0, pages = 0;
    ScanRequest request = new ScanRequest(TABLE).withLimit(10);
    do {
      ScanResult page = dynamodb.scan(request);
      count += page.getCount();
      ++pages;
      request.setExclusiveStartKey(page.getLastEvaluatedKey());
    } while (request.getExclusiveStartKey() != null);
    Steps.equal(List.of(count, pages), List.of(25, 3));
  }

  static void condition() {
    PutItemRequest put = new PutItemRequest(TABLE, key("condition", 1)).withConditionExpression("attribute_not_exists(pk)");
    dynamodb.putItem(put);
    Steps.equal(Steps.raises(ConditionalCheckFailedException.class, () -> dynamodb.putItem(put)).getErrorMessage(), "The conditional request failed");
  }

  static void dynamodbErrors() {
    Steps.raises(ResourceNotFoundException.class, () -> dynamodb.getItem("missing-" + Steps.TAG, Map.of("pk", text("x"))));
    Steps.equal(raises("ValidationException", () -> dynamodb.putItem(TABLE, Map.of("pk", text("x")))).getErrorMessage(),
        "One or more parameter values were invalid: Missing the key sk in the item");
  }

  static void removeTable() {
    dynamodb.deleteTable(TABLE);
    dynamodb.waiters().tableNotExists().run(new WaiterParameters<>(new DescribeTableRequest(TABLE)).withPollingStrategy(patience()));
    Steps.raises(ResourceNotFoundException.class, () -> dynamodb.describeTable(TABLE));
  }

  static void identity() {
    var who = make(AWSSecurityTokenServiceClientBuilder.standard()).getCallerIdentity(new GetCallerIdentityRequest());
    Steps.isTrue(who.getArn().contains(who.getAccount()) && who.getAccount().length() == 12, who);
  }

  static void functions() {
    var lambda = make(AWSLambdaClientBuilder.standard());
    Steps.isTrue(lambda.listFunctions().getFunctions() != null, "no list");
    Steps.raises(com.amazonaws.services.lambda.model.ResourceNotFoundException.class, () -> lambda.invoke(new InvokeRequest().withFunctionName("missing-" + Steps.TAG)));
  }

  public static void main(String[] arguments) {
    Steps.tell("bucket", Story::bucket);
    Steps.tell("object", Story::object);
    Steps.tell("shape", Story::shape);
    Steps.tell("multipart", Story::multipart);
    Steps.tell("list", Story::list);
    Steps.tell("presigned", Story::presigned);
    Steps.tell("conditional_put", Story::conditionalPut);
    Steps.tell("tags", Story::tags);
    Steps.tell("versions", Story::versions);
    Steps.tell("s3_errors", Story::s3Errors);
    Steps.tell("remove_bucket", Story::removeBucket);
    Steps.tell("table", Story::table);
    Steps.tell("items", Story::items);
    Steps.tell("batch", Story::batch);
    Steps.tell("query", Story::query);
    Steps.tell("scan", Story::scan);
    Steps.tell("condition", Story::condition);
    Steps.tell("dynamodb_errors", Story::dynamodbErrors);
    Steps.tell("remove_table", Story::removeTable);
    Steps.tell("identity", Story::identity);
    Steps.tell("functions", Story::functions);
    System.exit(0);  // its idle connections' thread is no daemon
  }
}
