// SPDX-License-Identifier: Apache-2.0
// The story of test_story.py told by the AWS SDK for JavaScript v3: node v3.js (AWS_ENDPOINT_URL says where)
'use strict';
const { Readable } = require('node:stream');
const { MIB, assert, collect, fetched, pattern, raises, spoiled, strict, tag, tell } = require('./harness');
const S3 = require('@aws-sdk/client-s3');
const { Upload } = require('@aws-sdk/lib-storage');
const { getSignedUrl } = require('@aws-sdk/s3-request-presigner');
const D = require('@aws-sdk/client-dynamodb');
const { STSClient, GetCallerIdentityCommand } = require('@aws-sdk/client-sts');
const L = require('@aws-sdk/client-lambda');

const s3 = new S3.S3({ maxAttempts: 1 });  // path style by itself: the host is an address
const dynamodb = new D.DynamoDB({ maxAttempts: 1 });
const Bucket = `story-${tag}`, TableName = `story-${tag}`;

const body = async (Key, more = {}) => Buffer.from(await (await s3.getObject({ Bucket, Key, ...more })).Body.transformToByteArray());
const text = async (Key, more) => (await body(Key, more)).toString();

const steps = {
  async bucket() {
    await assert.rejects(s3.headBucket({ Bucket }), S3.NotFound);
    await s3.createBucket({ Bucket });
    await S3.waitUntilBucketExists({ client: s3, maxWaitTime: 20 }, { Bucket });
    assert.ok((await s3.listBuckets({})).Buckets.some((b) => b.Name === Bucket));
    assert.equal((await s3.getBucketLocation({ Bucket })).LocationConstraint, undefined);
  },
  async object() {
    const Key = 'dir/ein Schlüssel +&=?.txt';
    const put = await s3.putObject({ Bucket, Key, Body: 'hello', ContentType: 'text/plain', Metadata: { colour: 'blue' } });
    assert.equal(put.ETag, '"5d41402abc4b2a76b9719d911017c592"');
    const got = await s3.getObject({ Bucket, Key });
    assert.deepEqual([await got.Body.transformToString(), got.ContentType, got.Metadata, got.ETag], ['hello', 'text/plain', { colour: 'blue' }, put.ETag]);
    assert.equal(await text(Key, { Range: 'bytes=1-3' }), 'ell');
    assert.equal((await s3.headObject({ Bucket, Key })).ContentLength, 5);
    const copied = await s3.copyObject({ Bucket, Key: 'copy', CopySource: `${Bucket}/${encodeURIComponent(Key)}` });
    assert.equal(copied.CopyObjectResult.ETag, put.ETag);
    assert.deepEqual((await s3.headObject({ Bucket, Key: 'copy' })).Metadata, { colour: 'blue' });
    for (const gone of [Key, 'copy']) await s3.deleteObject({ Bucket, Key: gone });
    await assert.rejects(s3.headObject({ Bucket, Key }), S3.NotFound);
    await s3.putObject({ Bucket, Key: 'empty', Body: '' });
    assert.equal(await text('empty'), '');
  },
  async shape() {
    const data = pattern(3 * MIB + 1);
    await s3.putObject({ Bucket, Key: 'shape/bytes', Body: data });
    // A stream cannot be hashed before it is sent: aws-chunked with a trailer.
    const put = (Key, ...at) => s3.putObject({ Bucket, Key, Body: Readable.from([0, ...at].map((from, n) => data.subarray(from, at[n]))), ContentLength: data.length });
    await put('shape/stream', 8192, 70000);
    await raises('InvalidChunkSizeError', put('shape/crumbs', 8191, 70000));
    await s3.putObject({ Bucket, Key: 'shape/sha256', Body: data, ChecksumAlgorithm: 'SHA256' });
    for (const name of ['bytes', 'stream', 'sha256']) assert.ok((await body(`shape/${name}`)).equals(data), name);
    const head = await s3.headObject({ Bucket, Key: 'shape/stream', ChecksumMode: 'ENABLED' });
    assert.ok(head.ChecksumCRC32);
    assert.equal(head.ContentEncoding, undefined);  // aws-chunked is of the request only
    assert.equal(head.ChecksumType, 'FULL_OBJECT');
  },
  async multipart() {  // lib-storage, from a stream
    const data = pattern(17 * MIB);
    const upload = new Upload({ client: s3, params: { Bucket, Key: 'multipart', Body: Readable.from([data.subarray(0, 9 * MIB), data.subarray(9 * MIB)]), Metadata: { made: 'of parts' } } });
    let progress = 0;
    upload.on('httpUploadProgress', () => ++progress);
    await upload.done();
    assert.ok(progress >= 4);
    const head = await s3.headObject({ Bucket, Key: 'multipart' });
    assert.deepEqual([head.ContentLength, head.Metadata, head.ETag.slice(-3)], [data.length, { made: 'of parts' }, '-4"']);
    assert.ok((await body('multipart')).equals(data));
    const { UploadId } = await s3.createMultipartUpload({ Bucket, Key: 'aborted' });
    await s3.uploadPartCopy({ Bucket, Key: 'aborted', UploadId, PartNumber: 1, CopySource: `${Bucket}/multipart`, CopySourceRange: 'bytes=0-9' });
    assert.deepEqual((await s3.listParts({ Bucket, Key: 'aborted', UploadId })).Parts.map((p) => [p.PartNumber, p.Size]), [[1, 10]]);
    await s3.abortMultipartUpload({ Bucket, Key: 'aborted', UploadId });
    await assert.rejects(s3.listParts({ Bucket, Key: 'aborted', UploadId }), S3.NoSuchUpload);
  },
  async list() {
    const keys = Array.from({ length: 25 }, (_, n) => `list/${String(n).padStart(2, '0')}`);
    for (const Key of keys) await s3.putObject({ Bucket, Key, Body: '' });
    const pages = await collect(S3.paginateListObjectsV2({ client: s3, pageSize: 10 }, { Bucket, Prefix: 'list/' }));
    assert.deepEqual(pages.map((p) => p.Contents.length), [10, 10, 5]);
    assert.deepEqual(pages.flatMap((p) => p.Contents.map((o) => o.Key)), keys);
    const top = await s3.listObjectsV2({ Bucket, Delimiter: '/' });
    assert.ok(top.CommonPrefixes.some((p) => p.Prefix === 'list/'));
    const deleted = await s3.deleteObjects({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } });
    assert.deepEqual(deleted.Deleted.map((d) => d.Key).sort(), keys);
    assert.equal((await s3.listObjectsV2({ Bucket, Prefix: 'list/' })).KeyCount, 0);
  },
  async presigned() {
    const put = await getSignedUrl(s3, new S3.PutObjectCommand({ Bucket, Key: 'pre signed' }), { expiresIn: 300 });
    assert.ok(put.includes('x-id=PutObject'));
    await fetched(put, { method: 'PUT', body: 'by plain HTTP' });  // the checksum in the URL is of an empty body
    const get = await getSignedUrl(s3, new S3.GetObjectCommand({ Bucket, Key: 'pre signed' }));
    assert.equal(await fetched(get), 'by plain HTTP');
    if (strict) assert.ok((await fetched(spoiled(get), {}, 403)).includes('SignatureDoesNotMatch'));
  },
  async conditional_put() {
    await s3.putObject({ Bucket, Key: 'once', Body: 'first', IfNoneMatch: '*' });
    await raises('PreconditionFailed', s3.putObject({ Bucket, Key: 'once', Body: 'second', IfNoneMatch: '*' }));
    assert.equal(await text('once'), 'first');
    const { ETag } = await s3.headObject({ Bucket, Key: 'once' });
    await raises('304', s3.getObject({ Bucket, Key: 'once', IfNoneMatch: ETag }).catch((e) => Promise.reject({ code: String(e.$metadata?.httpStatusCode) })));
    await s3.putObject({ Bucket, Key: 'once', Body: 'third', IfMatch: ETag });
    await raises('PreconditionFailed', s3.putObject({ Bucket, Key: 'once', Body: 'fourth', IfMatch: ETag }));
  },
  async tags() {
    await s3.putObject({ Bucket, Key: 'tagged', Body: '', Tagging: 'a=1&b=two%20words' });
    const tagsOf = async () => (await s3.getObjectTagging({ Bucket, Key: 'tagged' })).TagSet.map((t) => `${t.Key}=${t.Value}`).sort();
    assert.deepEqual(await tagsOf(), ['a=1', 'b=two words']);
    await s3.putObjectTagging({ Bucket, Key: 'tagged', Tagging: { TagSet: [{ Key: 'c', Value: '' }] } });
    assert.deepEqual(await tagsOf(), ['c=']);
    await s3.deleteObjectTagging({ Bucket, Key: 'tagged' });
    assert.deepEqual(await tagsOf(), []);
    await raises('NoSuchTagSet', s3.getBucketTagging({ Bucket }));
  },
  async versions() {
    await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: 'Enabled' } });
    const first = (await s3.putObject({ Bucket, Key: 'v', Body: '1' })).VersionId;
    const second = (await s3.putObject({ Bucket, Key: 'v', Body: '2' })).VersionId;
    assert.deepEqual([await text('v'), await text('v', { VersionId: first })], ['2', '1']);
    const marker = await s3.deleteObject({ Bucket, Key: 'v' });
    assert.equal(marker.DeleteMarker, true);
    await assert.rejects(s3.getObject({ Bucket, Key: 'v' }), S3.NoSuchKey);
    const listed = await s3.listObjectVersions({ Bucket, Prefix: 'v' });
    assert.deepEqual(listed.Versions.map((v) => [v.VersionId, v.IsLatest]), [[second, false], [first, false]]);
    assert.deepEqual(listed.DeleteMarkers.map((m) => [m.VersionId, m.IsLatest]), [[marker.VersionId, true]]);
    await s3.deleteObject({ Bucket, Key: 'v', VersionId: marker.VersionId });
    assert.equal(await text('v'), '2');
    await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: 'Suspended' } });
  },
  async s3_errors() {
    const missing = await s3.getObject({ Bucket, Key: 'missing' }).catch((e) => e);
    assert.ok(missing instanceof S3.NoSuchKey);
    assert.equal(missing.Key ?? missing.key, 'missing');
    await assert.rejects(s3.listObjectsV2({ Bucket: `missing-${tag}` }), S3.NoSuchBucket);
    await raises('BucketNotEmpty', s3.deleteBucket({ Bucket }));
  },
  async remove_bucket() {
    const { Versions = [], DeleteMarkers = [] } = await s3.listObjectVersions({ Bucket });
    await s3.deleteObjects({ Bucket, Delete: { Quiet: true, Objects: [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId })) } });
    await s3.deleteBucket({ Bucket });
    await S3.waitUntilBucketNotExists({ client: s3, maxWaitTime: 20 }, { Bucket });
  },

  async table() {
    const made = await dynamodb.createTable({
      TableName, BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [['pk', 'S'], ['sk', 'N'], ['genre', 'S']].map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }, { AttributeName: 'sk', KeyType: 'RANGE' }],
      GlobalSecondaryIndexes: [{ IndexName: 'by-genre', Projection: { ProjectionType: 'ALL' },
        KeySchema: [{ AttributeName: 'genre', KeyType: 'HASH' }, { AttributeName: 'sk', KeyType: 'RANGE' }] }],
    });
    assert.equal(made.TableDescription.TableName, TableName);
    await D.waitUntilTableExists({ client: dynamodb, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }, { TableName });
    const { Table } = await dynamodb.describeTable({ TableName });
    assert.deepEqual([Table.TableStatus, Table.GlobalSecondaryIndexes[0].IndexStatus], ['ACTIVE', 'ACTIVE']);
    assert.ok(Table.CreationDateTime instanceof Date);
    const names = (await collect(D.paginateListTables({ client: dynamodb, pageSize: 1 }, {}))).flatMap((p) => p.TableNames);
    assert.ok(names.includes(TableName));
    await assert.rejects(dynamodb.createTable({ TableName, BillingMode: 'PAY_PER_REQUEST', AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }] }), D.ResourceInUseException);
  },
  async items() {
    const Key = key('items', 1);
    const value = { n: { N: '12345678901234567890.123456789012345678' }, b: { B: new Uint8Array([0, 255]) }, t: { BOOL: true }, z: { NULL: true },
      l: { L: [{ S: 'ü' }, { N: '-1' }] }, m: { M: { deep: { M: {} } } }, e: { S: '' } };
    await dynamodb.putItem({ TableName, Item: { ...Key, ...value, ss: { SS: ['a', 'b'] } } });
    const got = await dynamodb.getItem({ TableName, Key, ConsistentRead: true, ReturnConsumedCapacity: 'TOTAL' });
    assert.deepEqual(got.Item.ss.SS.sort(), ['a', 'b']);
    got.Item.b.B = new Uint8Array(got.Item.b.B);
    delete got.Item.ss;
    assert.deepEqual(got.Item, { ...Key, ...value });
    assert.equal(got.ConsumedCapacity.CapacityUnits, 1);
    const updated = await dynamodb.updateItem({ TableName, Key, ReturnValues: 'UPDATED_NEW',
      UpdateExpression: 'SET #c = if_not_exists(#c, :zero) + :one, l = list_append(l, :more) REMOVE z ADD ss :ss',
      ExpressionAttributeNames: { '#c': 'counter' },
      ExpressionAttributeValues: { ':zero': { N: '0' }, ':one': { N: '1' }, ':more': { L: [{ S: 'x' }] }, ':ss': { SS: ['c'] } } });
    assert.deepEqual([updated.Attributes.counter, updated.Attributes.l.L.length, updated.Attributes.ss.SS.sort()], [{ N: '1' }, 3, ['a', 'b', 'c']]);
    assert.deepEqual((await dynamodb.getItem({ TableName, Key, ProjectionExpression: 'm.deep, l[0]' })).Item, { m: { M: { deep: { M: {} } } }, l: { L: [{ S: 'ü' }] } });
    assert.equal((await dynamodb.deleteItem({ TableName, Key, ReturnValues: 'ALL_OLD' })).Attributes.z, undefined);
    assert.equal((await dynamodb.getItem({ TableName, Key })).Item, undefined);
  },
  async batch() {
    const puts = Array.from({ length: 25 }, (_, n) => ({ PutRequest: { Item: { ...key('batch', n), genre: { S: n % 2 ? 'odd' : 'even' }, size: { N: String(n) } } } }));
    assert.deepEqual((await dynamodb.batchWriteItem({ RequestItems: { [TableName]: puts } })).UnprocessedItems, {});
    const got = await dynamodb.batchGetItem({ RequestItems: { [TableName]: { Keys: [3, 24, 99].map((n) => key('batch', n)) } } });
    assert.deepEqual(got.Responses[TableName].map((i) => i.sk.N).sort(), ['24', '3']);
    await raises('ValidationException', dynamodb.batchWriteItem({ RequestItems: { [TableName]: [...puts, puts[0]] } }));
  },
  async query() {
    const pages = await collect(D.paginateQuery({ client: dynamodb, pageSize: 8 }, { TableName, KeyConditionExpression: 'pk = :p AND sk BETWEEN :a AND :b',
      ExpressionAttributeValues: { ':p': { S: 'batch' }, ':a': { N: '1' }, ':b': { N: '20' } } }));
    assert.deepEqual(pages.flatMap((p) => p.Items.map((i) => Number(i.sk.N))), Array.from({ length: 20 }, (_, n) => n + 1));
    const back = await dynamodb.query({ TableName, IndexName: 'by-genre', KeyConditionExpression: 'genre = :g', ScanIndexForward: false, Limit: 3,
      ExpressionAttributeValues: { ':g': { S: 'odd' } } });
    assert.deepEqual(back.Items.map((i) => i.sk.N), ['23', '21', '19']);
    const filtered = await dynamodb.query({ TableName, KeyConditionExpression: 'pk = :p', FilterExpression: 'genre = :g AND NOT #s > :n',
      ExpressionAttributeNames: { '#s': 'size' }, ExpressionAttributeValues: { ':p': { S: 'batch' }, ':g': { S: 'even' }, ':n': { N: '4' } } });
    assert.deepEqual([filtered.Count, filtered.ScannedCount], [3, 25]);
  },
  async scan() {
    const pages = await collect(D.paginateScan({ client: dynamodb, pageSize: 10 }, { TableName }));
    assert.equal(pages.reduce((sum, p) => sum + p.Count, 0), 25);
    assert.ok(pages.length >= 3);
    let counted = 0;
    for (const Segment of [0, 1, 2]) counted += (await dynamodb.scan({ TableName, TotalSegments: 3, Segment, Select: 'COUNT' })).Count;
    assert.equal(counted, 25);
  },
  async condition() {
    const put = { TableName, Item: { ...key('condition', 1), who: { S: 'first' } }, ConditionExpression: 'attribute_not_exists(pk)', ReturnValuesOnConditionCheckFailure: 'ALL_OLD' };
    await dynamodb.putItem(put);
    const error = await dynamodb.putItem(put).catch((e) => e);
    assert.ok(error instanceof D.ConditionalCheckFailedException, String(error));
    assert.equal(error.message, 'The conditional request failed');
    assert.deepEqual(error.Item.who, { S: 'first' });
  },
  async dynamodb_errors() {
    await assert.rejects(dynamodb.getItem({ TableName: `missing-${tag}`, Key: { pk: { S: 'x' } } }), D.ResourceNotFoundException);
    const error = await raises('ValidationException', dynamodb.putItem({ TableName, Item: { pk: { S: 'x' } } }));
    assert.equal(error.message, 'One or more parameter values were invalid: Missing the key sk in the item');
  },
  async remove_table() {
    await dynamodb.deleteTable({ TableName });
    await D.waitUntilTableNotExists({ client: dynamodb, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }, { TableName });
    await assert.rejects(dynamodb.describeTable({ TableName }), D.ResourceNotFoundException);
  },

  async identity() {
    const who = await new STSClient({ maxAttempts: 1 }).send(new GetCallerIdentityCommand({}));
    assert.ok(who.Arn.includes(who.Account) && who.Account.length === 12 && who.UserId);
  },
  async functions() {
    const lambda = new L.Lambda({ maxAttempts: 1 });
    assert.ok(Array.isArray((await lambda.listFunctions({})).Functions));
    await assert.rejects(lambda.invoke({ FunctionName: `missing-${tag}` }), L.ResourceNotFoundException);
  },
};

const key = (pk, sk) => ({ pk: { S: pk }, sk: { N: String(sk) } });
tell(steps);
