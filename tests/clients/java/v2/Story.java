// SPDX-License-Identifier: Apache-2.0

import java.io.ByteArrayInputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.*;
import java.util.stream.*;
import software.amazon.awssdk.core.ResponseBytes;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.core.async.AsyncRequestBody;
import software.amazon.awssdk.core.async.AsyncResponseTransformer;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.*;
import software.amazon.awssdk.services.lambda.LambdaClient;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.*;
import software.amazon.awssdk.services.s3.presigner.S3Presigner;
import software.amazon.awssdk.services.sts.StsClient;
import software.amazon.awssdk.transfer.s3.S3TransferManager;

/** The story of test_story.py told by the AWS SDK for Java v2. AWS_ENDPOINT_URL says where. */
public class Story {
  static final String BUCKET = "story-" + Steps.TAG, TABLE = "story-" + Steps.TAG;
  static S3Client s3 = S3Client.create();  // path style by itself: the host is an address
  static S3AsyncClient async = S3AsyncClient.builder().multipartEnabled(true).build();
  static DynamoDbClient dynamodb = DynamoDbClient.create();

  static S3Exception raises(String code, Steps.Step step) {
    S3Exception error = Steps.raises(S3Exception.class, step);
    Steps.equal(error.awsErrorDetails().errorCode(), code);
    return error;
  }

  static PutObjectResponse put(String key, byte[] data) {
    return s3.putObject(b -> b.bucket(BUCKET).key(key), RequestBody.fromBytes(data));
  }

  static byte[] body(String key) {
    return s3.getObjectAsBytes(b -> b.bucket(BUCKET).key(key)).asByteArray();
  }

  static void bucket() {
    Steps.raises(NoSuchBucketException.class, () -> s3.headBucket(b -> b.bucket(BUCKET)));
    s3.createBucket(b -> b.bucket(BUCKET));
    s3.waiter().waitUntilBucketExists(b -> b.bucket(BUCKET));
    Steps.isTrue(s3.listBuckets().buckets().stream().anyMatch(b -> b.name().equals(BUCKET)), "not listed");
    Steps.equal(s3.getBucketLocation(b -> b.bucket(BUCKET)).locationConstraintAsString(), "");
  }

  static void object() {
    String key = "dir/ein Schlüssel +&=?.txt";
    PutObjectResponse made = s3.putObject(b -> b.bucket(BUCKET).key(key).contentType("text/plain").metadata(Map.of("colour", "blue")), RequestBody.fromString("hello"));
    Steps.equal(made.eTag(), "\"5d41402abc4b2a76b9719d911017c592\"");
    ResponseBytes<GetObjectResponse> got = s3.getObjectAsBytes(b -> b.bucket(BUCKET).key(key));
    Steps.equal(List.of(got.asUtf8String(), got.response().contentType(), got.response().metadata().get("colour"), got.response().eTag()), List.of("hello", "text/plain", "blue", made.eTag()));
    Steps.equal(s3.getObjectAsBytes(b -> b.bucket(BUCKET).key(key).range("bytes=1-3")).asUtf8String(), "ell");
    Steps.equal(s3.copyObject(b -> b.sourceBucket(BUCKET).sourceKey(key).destinationBucket(BUCKET).destinationKey("copy")).copyObjectResult().eTag(), made.eTag());
    Steps.equal(s3.headObject(b -> b.bucket(BUCKET).key("copy")).metadata().get("colour"), "blue");
    for (String gone : List.of(key, "copy")) s3.deleteObject(b -> b.bucket(BUCKET).key(gone));
    Steps.raises(NoSuchKeyException.class, () -> s3.headObject(b -> b.bucket(BUCKET).key(key)));
    put("empty", new byte[0]);
    Steps.equal(body("empty").length, 0);
  }

  static void shape() {
    byte[] data = Steps.pattern(3 * Steps.MIB + 1);
    put("shape/bytes", data);
    s3.putObject(b -> b.bucket(BUCKET).key("shape/stream"), RequestBody.fromInputStream(new ByteArrayInputStream(data), data.length));
    s3.putObject(b -> b.bucket(BUCKET).key("shape/sha1").checksumAlgorithm(ChecksumAlgorithm.SHA1), RequestBody.fromBytes(data));
    async.putObject(b -> b.bucket(BUCKET).key("shape/async"), AsyncRequestBody.fromBytes(data)).join();
    for (String key : List.of("bytes", "stream", "sha1", "async")) Steps.equal(body("shape/" + key), data);
    HeadObjectResponse head = s3.headObject(b -> b.bucket(BUCKET).key("shape/stream").checksumMode(ChecksumMode.ENABLED));
    Steps.isTrue(head.checksumCRC32() != null && head.checksumType() == ChecksumType.FULL_OBJECT, head);
    Steps.equal(head.contentEncoding(), null);
  }

  static void multipart() throws Exception {
    byte[] data = Steps.pattern(17 * Steps.MIB);
    Path source = Files.createTempFile("story", null), target = Files.createTempFile("story", null);
    try (S3TransferManager manager = S3TransferManager.builder().s3Client(async).build()) {
      Files.write(source, data);
      manager.uploadFile(b -> b.source(source).putObjectRequest(p -> p.bucket(BUCKET).key("multipart"))).completionFuture().join();
      HeadObjectResponse head = s3.headObject(b -> b.bucket(BUCKET).key("multipart"));
      Steps.equal(List.of(head.contentLength(), head.eTag().endsWith("-3\"")), List.of((long) data.length, true));
      manager.downloadFile(b -> b.destination(target).getObjectRequest(g -> g.bucket(BUCKET).key("multipart"))).completionFuture().join();
      Steps.equal(Files.readAllBytes(target), data);
    } finally {
      Files.delete(source);
      Files.delete(target);
    }
    async.putObject(b -> b.bucket(BUCKET).key("in parts"), AsyncRequestBody.fromBytes(data)).join();
    Steps.equal(async.getObject(b -> b.bucket(BUCKET).key("in parts"), AsyncResponseTransformer.toBytes()).join().asByteArray(), data);
    String upload = s3.createMultipartUpload(b -> b.bucket(BUCKET).key("aborted")).uploadId();
    s3.uploadPart(b -> b.bucket(BUCKET).key("aborted").uploadId(upload).partNumber(1), RequestBody.fromString("part"));
    Steps.equal(s3.listPartsPaginator(b -> b.bucket(BUCKET).key("aborted").uploadId(upload)).parts().iterator().next().size(), 4L);
    s3.abortMultipartUpload(b -> b.bucket(BUCKET).key("aborted").uploadId(upload));
    Steps.raises(NoSuchUploadException.class, () -> s3.listParts(b -> b.bucket(BUCKET).key("aborted").uploadId(upload)));
  }

  static void list() {
    List<String> keys = IntStream.range(0, 25).mapToObj(n -> String.format("list/%02d", n)).collect(Collectors.toList());
    keys.forEach(k -> put(k, new byte[] {'x'}));
    List<ListObjectsV2Response> pages = s3.listObjectsV2Paginator(b -> b.bucket(BUCKET).prefix("list/").maxKeys(10)).stream().collect(Collectors.toList());
    Steps.equal(pages.stream().map(p -> p.contents().size()).collect(Collectors.toList()), List.of(10, 10, 5));
    Steps.equal(pages.stream().flatMap(p -> p.contents().stream()).map(S3Object::key).collect(Collectors.toList()), keys);
    Steps.isTrue(s3.listObjectsV2(b -> b.bucket(BUCKET).delimiter("/")).commonPrefixes().stream().anyMatch(p -> p.prefix().equals("list/")), "no prefix");
    List<ObjectIdentifier> all = keys.stream().map(k -> ObjectIdentifier.builder().key(k).build()).collect(Collectors.toList());
    Steps.equal(s3.deleteObjects(b -> b.bucket(BUCKET).delete(d -> d.objects(all))).deleted().size(), 25);
    Steps.equal(s3.listObjectsV2(b -> b.bucket(BUCKET).prefix("list/")).keyCount(), 0);
  }

  static void presigned() throws Exception {
    try (S3Presigner signer = S3Presigner.builder().endpointOverride(URI.create(Steps.ENDPOINT))
             .serviceConfiguration(S3Configuration.builder().pathStyleAccessEnabled(true).build()).build()) {
      var put = signer.presignPutObject(b -> b.signatureDuration(Duration.ofMinutes(5)).putObjectRequest(p -> p.bucket(BUCKET).key("pre signed").contentType("application/octet-stream")));
      Steps.fetch("PUT", put.url(), "by plain HTTP".getBytes(), 200);
      var get = signer.presignGetObject(b -> b.signatureDuration(Duration.ofMinutes(5)).getObjectRequest(g -> g.bucket(BUCKET).key("pre signed")));
      Steps.equal(Steps.fetch("GET", get.url(), null, 200), "by plain HTTP");
      if (Steps.STRICT) Steps.isTrue(Steps.fetch("GET", Steps.spoiled(get.url()), null, 403).contains("SignatureDoesNotMatch"), "another error");
    }
  }

  static void conditionalPut() {
    s3.putObject(b -> b.bucket(BUCKET).key("once").ifNoneMatch("*"), RequestBody.fromString("first"));
    Steps.equal(raises("PreconditionFailed", () -> s3.putObject(b -> b.bucket(BUCKET).key("once").ifNoneMatch("*"), RequestBody.fromString("second"))).statusCode(), 412);
    Steps.equal(new String(body("once")), "first");
    String etag = s3.headObject(b -> b.bucket(BUCKET).key("once")).eTag();
    Steps.equal(Steps.raises(S3Exception.class, () -> s3.getObjectAsBytes(b -> b.bucket(BUCKET).key("once").ifNoneMatch(etag))).statusCode(), 304);
  }

  static List<String> tagsOf() {
    return s3.getObjectTagging(b -> b.bucket(BUCKET).key("tagged")).tagSet().stream().map(t -> t.key() + "=" + t.value()).sorted().collect(Collectors.toList());
  }

  static void tags() {
    s3.putObject(b -> b.bucket(BUCKET).key("tagged").tagging("a=1&b=two%20words"), RequestBody.empty());
    Steps.equal(tagsOf(), List.of("a=1", "b=two words"));
    s3.putObjectTagging(b -> b.bucket(BUCKET).key("tagged").tagging(t -> t.tagSet(software.amazon.awssdk.services.s3.model.Tag.builder().key("c").value("").build())));
    Steps.equal(tagsOf(), List.of("c="));
    s3.deleteObjectTagging(b -> b.bucket(BUCKET).key("tagged"));
    Steps.equal(tagsOf(), List.of());
    raises("NoSuchTagSet", () -> s3.getBucketTagging(b -> b.bucket(BUCKET)));
  }

  static void versioning(BucketVersioningStatus status) {
    s3.putBucketVersioning(b -> b.bucket(BUCKET).versioningConfiguration(v -> v.status(status)));
  }

  static void versions() {
    versioning(BucketVersioningStatus.ENABLED);
    String first = put("v", new byte[] {'1'}).versionId(), second = put("v", new byte[] {'2'}).versionId();
    Steps.equal(s3.getObjectAsBytes(b -> b.bucket(BUCKET).key("v").versionId(first)).asUtf8String(), "1");
    Steps.equal(body("v"), new byte[] {'2'});
    String marker = s3.deleteObject(b -> b.bucket(BUCKET).key("v")).versionId();
    Steps.raises(NoSuchKeyException.class, () -> body("v"));
    ListObjectVersionsResponse listed = s3.listObjectVersions(b -> b.bucket(BUCKET).prefix("v"));
    Steps.equal(listed.versions().stream().map(ObjectVersion::versionId).collect(Collectors.toList()), List.of(second, first));
    Steps.equal(listed.deleteMarkers().stream().map(DeleteMarkerEntry::versionId).collect(Collectors.toList()), List.of(marker));
    s3.deleteObject(b -> b.bucket(BUCKET).key("v").versionId(marker));
    Steps.equal(body("v"), new byte[] {'2'});
    versioning(BucketVersioningStatus.SUSPENDED);
  }

  static void s3Errors() {
    Steps.raises(NoSuchKeyException.class, () -> body("missing"));
    Steps.raises(NoSuchBucketException.class, () -> s3.listObjectsV2(b -> b.bucket("missing-" + Steps.TAG)));
    raises("BucketNotEmpty", () -> s3.deleteBucket(b -> b.bucket(BUCKET)));
  }

  static void removeBucket() {
    List<ObjectIdentifier> found = new ArrayList<>();
    var pages = s3.listObjectVersionsPaginator(b -> b.bucket(BUCKET).maxKeys(4));
    pages.versions().forEach(v -> found.add(ObjectIdentifier.builder().key(v.key()).versionId(v.versionId()).build()));
    pages.deleteMarkers().forEach(m -> found.add(ObjectIdentifier.builder().key(m.key()).versionId(m.versionId()).build()));
    s3.deleteObjects(b -> b.bucket(BUCKET).delete(d -> d.objects(found).quiet(true)));
    s3.deleteBucket(b -> b.bucket(BUCKET));
    s3.waiter().waitUntilBucketNotExists(b -> b.bucket(BUCKET));
  }

  static Map<String, AttributeValue> key(String pk, int sk) {
    return new HashMap<>(Map.of("pk", text(pk), "sk", number(sk)));
  }

  static AttributeValue text(String value) {
    return AttributeValue.fromS(value);
  }

  static AttributeValue number(int value) {
    return AttributeValue.fromN(String.valueOf(value));
  }

  static KeySchemaElement schema(String name, KeyType type) {
    return KeySchemaElement.builder().attributeName(name).keyType(type).build();
  }

  static AttributeDefinition definition(String name, ScalarAttributeType type) {
    return AttributeDefinition.builder().attributeName(name).attributeType(type).build();
  }

  static void table() {
    CreateTableRequest request = CreateTableRequest.builder().tableName(TABLE).billingMode(BillingMode.PAY_PER_REQUEST)
        .attributeDefinitions(definition("pk", ScalarAttributeType.S), definition("sk", ScalarAttributeType.N), definition("genre", ScalarAttributeType.S))
        .keySchema(schema("pk", KeyType.HASH), schema("sk", KeyType.RANGE))
        .globalSecondaryIndexes(GlobalSecondaryIndex.builder().indexName("by-genre").projection(p -> p.projectionType(ProjectionType.ALL))
            .keySchema(schema("genre", KeyType.HASH), schema("sk", KeyType.RANGE)).build()).build();
    Steps.equal(dynamodb.createTable(request).tableDescription().tableName(), TABLE);
    dynamodb.waiter().waitUntilTableExists(b -> b.tableName(TABLE));
    TableDescription described = dynamodb.describeTable(b -> b.tableName(TABLE)).table();
    Steps.equal(List.of(described.tableStatus(), described.globalSecondaryIndexes().get(0).indexStatus()), List.of(TableStatus.ACTIVE, IndexStatus.ACTIVE));
    Steps.isTrue(dynamodb.listTablesPaginator(b -> b.limit(1)).tableNames().stream().anyMatch(TABLE::equals), "not listed");
    Steps.raises(ResourceInUseException.class, () -> dynamodb.createTable(request));
  }

  static void items() {
    Map<String, AttributeValue> item = key("items", 1);
    item.put("n", AttributeValue.fromN("12345678901234567890.123456789012345678"));
    item.put("b", AttributeValue.fromB(SdkBytes.fromByteArray(new byte[] {0, (byte) 255})));
    item.put("z", AttributeValue.fromNul(true));
    item.put("l", AttributeValue.fromL(List.of(text("ü"), number(-1))));
    item.put("m", AttributeValue.fromM(Map.of("deep", AttributeValue.fromM(Map.of()))));
    dynamodb.putItem(b -> b.tableName(TABLE).item(item));
    GetItemResponse got = dynamodb.getItem(b -> b.tableName(TABLE).key(key("items", 1)).consistentRead(true).returnConsumedCapacity(ReturnConsumedCapacity.TOTAL));
    Steps.equal(got.item(), item);
    Steps.equal(got.consumedCapacity().capacityUnits(), 1.0);
    Map<String, AttributeValue> updated = dynamodb.updateItem(b -> b.tableName(TABLE).key(key("items", 1)).returnValues(ReturnValue.UPDATED_NEW)
        .updateExpression("SET #c = if_not_exists(#c, :zero) + :one, l = list_append(l, :more) REMOVE z ADD ss :ss").expressionAttributeNames(Map.of("#c", "counter"))
        .expressionAttributeValues(Map.of(":zero", number(0), ":one", number(1), ":more", AttributeValue.fromL(List.of(text("x"))), ":ss", AttributeValue.fromSs(List.of("c"))))).attributes();
    Steps.equal(List.of(updated.get("counter").n(), updated.get("l").l().size(), updated.get("ss").ss()), List.of("1", 3, List.of("c")));
    Map<String, AttributeValue> old = dynamodb.deleteItem(b -> b.tableName(TABLE).key(key("items", 1)).returnValues(ReturnValue.ALL_OLD)).attributes();
    Steps.equal(List.of(old.get("counter").n(), old.containsKey("z")), List.of("1", false));
    Steps.equal(dynamodb.getItem(b -> b.tableName(TABLE).key(key("items", 1))).hasItem(), false);
  }

  static void batch() {
    List<WriteRequest> puts = new ArrayList<>();
    for (int n = 0; n < 25; ++n) {
      Map<String, AttributeValue> item = key("batch", n);
      item.put("genre", text(n % 2 == 1 ? "odd" : "even"));
      item.put("size", number(n));
      puts.add(WriteRequest.builder().putRequest(p -> p.item(item)).build());
    }
    Steps.equal(dynamodb.batchWriteItem(b -> b.requestItems(Map.of(TABLE, puts))).unprocessedItems().size(), 0);
    KeysAndAttributes wanted = KeysAndAttributes.builder().keys(List.of(key("batch", 3), key("batch", 24), key("batch", 99))).build();
    Steps.equal(dynamodb.batchGetItem(b -> b.requestItems(Map.of(TABLE, wanted))).responses().get(TABLE).stream().map(i -> i.get("sk").n()).sorted().collect(Collectors.toList()), List.of("24", "3"));
    puts.add(puts.get(0));
    Steps.equal(Steps.raises(DynamoDbException.class, () -> dynamodb.batchWriteItem(b -> b.requestItems(Map.of(TABLE, puts)))).awsErrorDetails().errorCode(), "ValidationException");
  }

  static void query() {
    Steps.equal(dynamodb.queryPaginator(b -> b.tableName(TABLE).limit(8).keyConditionExpression("pk = :p AND sk BETWEEN :a AND :b")
                    .expressionAttributeValues(Map.of(":p", text("batch"), ":a", number(1), ":b", number(20)))).items().stream().map(i -> i.get("sk").n()).collect(Collectors.toList()),
        IntStream.rangeClosed(1, 20).mapToObj(String::valueOf).collect(Collectors.toList()));
    Steps.equal(dynamodb.query(b -> b.tableName(TABLE).indexName("by-genre").scanIndexForward(false).limit(3).keyConditionExpression("genre = :g")
                    .expressionAttributeValues(Map.of(":g", text("odd")))).items().stream().map(i -> i.get("sk").n()).collect(Collectors.toList()),
        List.of("23", "21", "19"));
    QueryResponse filtered = dynamodb.query(b -> b.tableName(TABLE).keyConditionExpression("pk = :p").filterExpression("genre = :g AND NOT #s > :n").expressionAttributeNames(Map.of("#s", "size"))
        .expressionAttributeValues(Map.of(":p", text("batch"), ":g", text("even"), ":n", number(4))));
    Steps.equal(List.of(filtered.count(), filtered.scannedCount()), List.of(3, 25));
  }

  static void scan() {
    List<ScanResponse> pages = dynamodb.scanPaginator(b -> b.tableName(TABLE).limit(10)).stream().collect(Collectors.toList());
    Steps.equal(List.of(pages.size(), pages.stream().mapToInt(ScanResponse::count).sum()), List.of(3, 25));
    int counted = 0;
    for (int n = 0; n < 3; ++n) {
      int segment = n;
      counted += dynamodb.scan(b -> b.tableName(TABLE).totalSegments(3).segment(segment).select(Select.COUNT)).count();
    }
    Steps.equal(counted, 25);
  }

  static void condition() {
    PutItemRequest put = PutItemRequest.builder().tableName(TABLE).item(key("condition", 1)).conditionExpression("attribute_not_exists(pk)")
        .returnValuesOnConditionCheckFailure(ReturnValuesOnConditionCheckFailure.ALL_OLD).build();
    dynamodb.putItem(put);
    ConditionalCheckFailedException error = Steps.raises(ConditionalCheckFailedException.class, () -> dynamodb.putItem(put));
    Steps.equal(List.of(error.awsErrorDetails().errorMessage(), error.item()), List.of("The conditional request failed", put.item()));
  }

  static void dynamodbErrors() {
    Steps.raises(software.amazon.awssdk.services.dynamodb.model.ResourceNotFoundException.class, () -> dynamodb.getItem(b -> b.tableName("missing-" + Steps.TAG).key(Map.of("pk", text("x")))));
    Steps.equal(Steps.raises(DynamoDbException.class, () -> dynamodb.putItem(b -> b.tableName(TABLE).item(Map.of("pk", text("x"))))).awsErrorDetails().errorMessage(),
        "One or more parameter values were invalid: Missing the key sk in the item");
  }

  static void removeTable() {
    dynamodb.deleteTable(b -> b.tableName(TABLE));
    dynamodb.waiter().waitUntilTableNotExists(b -> b.tableName(TABLE));
    Steps.raises(software.amazon.awssdk.services.dynamodb.model.ResourceNotFoundException.class, () -> dynamodb.describeTable(b -> b.tableName(TABLE)));
  }

  static void identity() {
    var who = StsClient.create().getCallerIdentity();
    Steps.isTrue(who.arn().contains(who.account()) && who.account().length() == 12, who);
  }

  static void functions() {
    LambdaClient lambda = LambdaClient.create();
    Steps.isTrue(lambda.listFunctionsPaginator().functions().stream().count() >= 0, "no list");
    Steps.raises(software.amazon.awssdk.services.lambda.model.ResourceNotFoundException.class, () -> lambda.invoke(b -> b.functionName("missing-" + Steps.TAG)));
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
    System.exit(0);
  }
}
