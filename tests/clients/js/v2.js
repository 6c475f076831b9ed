// SPDX-License-Identifier: Apache-2.0
// The story of test_story.py told by the AWS SDK for JavaScript v2, which takes its endpoint from code only: node v2.js
'use strict';
process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = '1';
const fs = require('node:fs');
const { Readable } = require('node:stream');
const { MIB, assert, fetched, pattern, raises, spoiled, strict, tag, tell } = require('./harness');
const AWS = require('aws-sdk');

const common = { endpoint: process.env.STORY_ENDPOINT, region: 'us-east-1', maxRetries: 0,
  ...(process.env.STORY_CA && { httpOptions: { agent: new (require('node:https').Agent)({ ca: fs.readFileSync(process.env.STORY_CA) }) } }) };
const s3 = new AWS.S3({ ...common, s3ForcePathStyle: true });
const dynamodb = new AWS.DynamoDB(common);
const documents = new AWS.DynamoDB.DocumentClient({ service: dynamodb });
const Bucket = `story-${tag}`, TableName = `story-${tag}`;

const body = async (Key, more = {}) => (await s3.getObject({ Bucket, Key, ...more }).promise()).Body;
const text = async (Key, more) => (await body(Key, more)).toString();
const key = (pk, sk) => ({ pk: { S: pk }, sk: { N: String(sk) } });

const steps = {
  async bucket() {
    await raises('NotFound', s3.headBucket({ Bucket }).promise());
    await s3.createBucket({ Bucket }).promise();
    await s3.waitFor('bucketExists', { Bucket }).promise();
    assert.ok((await s3.listBuckets().promise()).Buckets.some((b) => b.Name === Bucket));
    assert.equal((await s3.getBucketLocation({ Bucket }).promise()).LocationConstraint, '');
  },
  async object() {
    const Key = 'dir/ein Schlüssel +&=?.txt';
    const put = await s3.putObject({ Bucket, Key, Body: 'hello', ContentType: 'text/plain', Metadata: { colour: 'blue' } }).promise();
    assert.equal(put.ETag, '"5d41402abc4b2a76b9719d911017c592"');
    const got = await s3.getObject({ Bucket, Key }).promise();
    assert.deepEqual([got.Body.toString(), got.ContentType, got.Metadata, got.ETag], ['hello', 'text/plain', { colour: 'blue' }, put.ETag]);
    assert.equal(await text(Key, { Range: 'bytes=1-3' }), 'ell');
    assert.equal((await s3.headObject({ Bucket, Key }).promise()).ContentLength, 5);
    const copied = await s3.copyObject({ Bucket, Key: 'copy', CopySource: `${Bucket}/${encodeURIComponent(Key)}` }).promise();
    assert.equal(copied.CopyObjectResult.ETag, put.ETag);
    assert.deepEqual((await s3.headObject({ Bucket, Key: 'copy' }).promise()).Metadata, { colour: 'blue' });
    for (const gone of [Key, 'copy']) await s3.deleteObject({ Bucket, Key: gone }).promise();
    await raises('NotFound', s3.headObject({ Bucket, Key }).promise());
    await s3.putObject({ Bucket, Key: 'empty', Body: '' }).promise();
    assert.equal(await text('empty'), '');
  },
  async shape() {
    const data = pattern(3 * MIB + 1);
    await s3.putObject({ Bucket, Key: 'shape/bytes', Body: data }).promise();
    assert.ok((await body('shape/bytes')).equals(data));
    const pieces = [];  // an answer read as a stream
    for await (const piece of s3.getObject({ Bucket, Key: 'shape/bytes' }).createReadStream()) pieces.push(piece);
    assert.ok(Buffer.concat(pieces).equals(data));
  },
  async multipart() {  // its managed upload, from a stream
    const data = pattern(17 * MIB);
    const done = await s3.upload({ Bucket, Key: 'multipart', Body: Readable.from([data.subarray(0, 9 * MIB), data.subarray(9 * MIB)], { objectMode: false }), Metadata: { made: 'of parts' } }).promise();
    assert.equal(done.Key, 'multipart');
    assert.ok(done.Location.endsWith(`/${Bucket}/multipart`), done.Location);
    const head = await s3.headObject({ Bucket, Key: 'multipart' }).promise();
    assert.deepEqual([head.ContentLength, head.Metadata, head.ETag.slice(-3)], [data.length, { made: 'of parts' }, '-4"']);
    assert.ok((await body('multipart')).equals(data));
    const { UploadId } = await s3.createMultipartUpload({ Bucket, Key: 'aborted' }).promise();
    await s3.uploadPart({ Bucket, Key: 'aborted', UploadId, PartNumber: 1, Body: 'part' }).promise();
    assert.deepEqual((await s3.listParts({ Bucket, Key: 'aborted', UploadId }).promise()).Parts.map((p) => p.Size), [4]);
    await s3.abortMultipartUpload({ Bucket, Key: 'aborted', UploadId }).promise();
    await raises('NoSuchUpload', s3.listParts({ Bucket, Key: 'aborted', UploadId }).promise());
  },
  async list() {
    const keys = Array.from({ length: 25 }, (_, n) => `list/${String(n).padStart(2, '0')}`);
    for (const Key of keys) await s3.putObject({ Bucket, Key, Body: '' }).promise();
    const seen = [];
    for (let ContinuationToken, more = true; more;) {
      const page = await s3.listObjectsV2({ Bucket, Prefix: 'list/', MaxKeys: 10, ContinuationToken }).promise();
      seen.push(page.Contents.map((o) => o.Key));
      [ContinuationToken, more] = [page.NextContinuationToken, page.IsTruncated];
    }
    assert.deepEqual(seen.map((p) => p.length), [10, 10, 5]);
    assert.deepEqual(seen.flat(), keys);
    const deleted = await s3.deleteObjects({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }).promise();
    assert.deepEqual(deleted.Deleted.map((d) => d.Key).sort(), keys);
    assert.equal((await s3.listObjects({ Bucket, Prefix: 'list/' }).promise()).Contents.length, 0);
  },
  async presigned() {
    for (const signer of [new AWS.S3({ ...common, s3ForcePathStyle: true, signatureVersion: 'v4' }), s3]) {  // the default is version 2
      const put = await signer.getSignedUrlPromise('putObject', { Bucket, Key: 'pre signed', Expires: 300 });
      await fetched(put, { method: 'PUT', body: new Uint8Array(Buffer.from('by plain HTTP')) });  // no Content-Type, as signed
      const get = await signer.getSignedUrlPromise('getObject', { Bucket, Key: 'pre signed' });
      assert.equal(await fetched(get), 'by plain HTTP');
      if (strict) assert.ok((await fetched(spoiled(get), {}, 403)).includes('SignatureDoesNotMatch'));
    }
  },
  async conditional_put() {
    await s3.putObject({ Bucket, Key: 'once', Body: 'first', IfNoneMatch: '*' }).promise();
    await raises('PreconditionFailed', s3.putObject({ Bucket, Key: 'once', Body: 'second', IfNoneMatch: '*' }).promise());
    assert.equal(await text('once'), 'first');
  },
  async tags() {
    await s3.putObject({ Bucket, Key: 'tagged', Body: '', Tagging: 'a=1&b=two%20words' }).promise();
    const tagsOf = async () => (await s3.getObjectTagging({ Bucket, Key: 'tagged' }).promise()).TagSet.map((t) => `${t.Key}=${t.Value}`).sort();
    assert.deepEqual(await tagsOf(), ['a=1', 'b=two words']);
    await s3.putObjectTagging({ Bucket, Key: 'tagged', Tagging: { TagSet: [{ Key: 'c', Value: '' }] } }).promise();
    assert.deepEqual(await tagsOf(), ['c=']);
    await s3.deleteObjectTagging({ Bucket, Key: 'tagged' }).promise();
    assert.deepEqual(await tagsOf(), []);
    await raises('NoSuchTagSet', s3.getBucketTagging({ Bucket }).promise());
  },
  async versions() {
    await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }).promise();
    const first = (await s3.putObject({ Bucket, Key: 'v', Body: '1' }).promise()).VersionId;
    const second = (await s3.putObject({ Bucket, Key: 'v', Body: '2' }).promise()).VersionId;
    assert.deepEqual([await text('v'), await text('v', { VersionId: first })], ['2', '1']);
    const marker = await s3.deleteObject({ Bucket, Key: 'v' }).promise();
    assert.equal(marker.DeleteMarker, true);
    await raises('NoSuchKey', s3.getObject({ Bucket, Key: 'v' }).promise());
    const listed = await s3.listObjectVersions({ Bucket, Prefix: 'v' }).promise();
    assert.deepEqual(listed.Versions.map((v) => [v.VersionId, v.IsLatest]), [[second, false], [first, false]]);
    await s3.deleteObject({ Bucket, Key: 'v', VersionId: marker.VersionId }).promise();
    assert.equal(await text('v'), '2');
    await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: 'Suspended' } }).promise();
  },
  async s3_errors() {
    assert.equal((await raises('NoSuchKey', s3.getObject({ Bucket, Key: 'missing' }).promise())).statusCode, 404);
    await raises('NoSuchBucket', s3.listObjectsV2({ Bucket: `missing-${tag}` }).promise());
    await raises('BucketNotEmpty', s3.deleteBucket({ Bucket }).promise());
  },
  async remove_bucket() {
    const { Versions, DeleteMarkers } = await s3.listObjectVersions({ Bucket }).promise();
    await s3.deleteObjects({ Bucket, Delete: { Quiet: true, Objects: [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId })) } }).promise();
    await s3.deleteBucket({ Bucket }).promise();
    await s3.waitFor('bucketNotExists', { Bucket }).promise();
  },

  async table() {
    await dynamodb.createTable({
      TableName, BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [['pk', 'S'], ['sk', 'N'], ['genre', 'S']].map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }, { AttributeName: 'sk', KeyType: 'RANGE' }],
      GlobalSecondaryIndexes: [{ IndexName: 'by-genre', Projection: { ProjectionType: 'ALL' },
        KeySchema: [{ AttributeName: 'genre', KeyType: 'HASH' }, { AttributeName: 'sk', KeyType: 'RANGE' }] }],
    }).promise();
    await dynamodb.waitFor('tableExists', { TableName, $waiter: { delay: 1 } }).promise();
    const { Table } = await dynamodb.describeTable({ TableName }).promise();
    assert.deepEqual([Table.TableStatus, Table.GlobalSecondaryIndexes[0].IndexStatus], ['ACTIVE', 'ACTIVE']);
    await raises('ResourceInUseException', dynamodb.createTable({ TableName, BillingMode: 'PAY_PER_REQUEST', AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }] }).promise());
  },
  async items() {  // by the document client
    const Key = { pk: 'items', sk: 1 };
    const value = { n: 12345.678, t: true, z: null, l: ['ü', -1], m: { deep: {} }, e: '' };
    await documents.put({ TableName, Item: { ...Key, ...value, b: Buffer.from([0, 255]), ss: documents.createSet(['a', 'b']) } }).promise();
    const { Item } = await documents.get({ TableName, Key, ConsistentRead: true }).promise();
    assert.deepEqual([Item.ss.values.sort(), [...Item.b]], [['a', 'b'], [0, 255]]);
    delete Item.ss;
    delete Item.b;
    assert.deepEqual(Item, { ...Key, ...value });
    const updated = await documents.update({ TableName, Key, ReturnValues: 'UPDATED_NEW',
      UpdateExpression: 'SET #c = if_not_exists(#c, :zero) + :one, l = list_append(l, :more) REMOVE z',
      ExpressionAttributeNames: { '#c': 'counter' }, ExpressionAttributeValues: { ':zero': 0, ':one': 1, ':more': ['x'] } }).promise();
    assert.deepEqual(updated.Attributes, { counter: 1, l: ['ü', -1, 'x'] });
    assert.equal('z' in (await documents.delete({ TableName, Key, ReturnValues: 'ALL_OLD' }).promise()).Attributes, false);
    assert.deepEqual(await documents.get({ TableName, Key }).promise(), {});
  },
  async batch() {
    const puts = Array.from({ length: 25 }, (_, n) => ({ PutRequest: { Item: { ...key('batch', n), genre: { S: n % 2 ? 'odd' : 'even' } } } }));
    assert.deepEqual((await dynamodb.batchWriteItem({ RequestItems: { [TableName]: puts } }).promise()).UnprocessedItems, {});
    const got = await dynamodb.batchGetItem({ RequestItems: { [TableName]: { Keys: [3, 24, 99].map((n) => key('batch', n)) } } }).promise();
    assert.deepEqual(got.Responses[TableName].map((i) => i.sk.N).sort(), ['24', '3']);
    await raises('ValidationException', dynamodb.batchWriteItem({ RequestItems: { [TableName]: [...puts, puts[0]] } }).promise());
  },
  async query() {
    const seen = [];
    await new Promise((resolve, reject) => {
      dynamodb.query({ TableName, KeyConditionExpression: 'pk = :p', Limit: 8, ExpressionAttributeValues: { ':p': { S: 'batch' } } }).eachPage((error, page) => {
        if (error) reject(error);
        else if (!page) resolve();
        else seen.push(...page.Items.map((i) => Number(i.sk.N)));
        return true;
      });
    });
    assert.deepEqual(seen, Array.from({ length: 25 }, (_, n) => n));
    const back = await dynamodb.query({ TableName, IndexName: 'by-genre', KeyConditionExpression: 'genre = :g', ScanIndexForward: false, Limit: 3,
      ExpressionAttributeValues: { ':g': { S: 'odd' } } }).promise();
    assert.deepEqual(back.Items.map((i) => i.sk.N), ['23', '21', '19']);
    // The parameters from before expressions, which code of this SDK's age uses.
    const legacy = await dynamodb.query({ TableName, KeyConditions: { pk: { ComparisonOperator: 'EQ', AttributeValueList: [{ S: 'batch' }] },
      sk: { ComparisonOperator: 'GE', AttributeValueList: [{ N: '22' }] } }, QueryFilter: { genre: { ComparisonOperator: 'EQ', AttributeValueList: [{ S: 'even' }] } } }).promise();
    assert.deepEqual(legacy.Items.map((i) => i.sk.N), ['22', '24']);
  },
  async scan() {
    let count = 0, pages = 0;
    for (let ExclusiveStartKey, more = true; more; ++pages) {
      const page = await dynamodb.scan({ TableName, Limit: 10, ExclusiveStartKey }).promise();
      count += page.Count;
      ExclusiveStartKey = page.LastEvaluatedKey;
      more = !!ExclusiveStartKey;
    }
    assert.deepEqual([count, pages], [25, 3]);
  },
  async condition() {
    const put = { TableName, Item: key('condition', 1), ConditionExpression: 'attribute_not_exists(pk)' };
    await dynamodb.putItem(put).promise();
    assert.equal((await raises('ConditionalCheckFailedException', dynamodb.putItem(put).promise())).message, 'The conditional request failed');
  },
  async dynamodb_errors() {
    await raises('ResourceNotFoundException', dynamodb.getItem({ TableName: `missing-${tag}`, Key: { pk: { S: 'x' } } }).promise());
    const error = await raises('ValidationException', dynamodb.putItem({ TableName, Item: { pk: { S: 'x' } } }).promise());
    assert.equal(error.message, 'One or more parameter values were invalid: Missing the key sk in the item');
  },
  async remove_table() {
    await dynamodb.deleteTable({ TableName }).promise();
    await dynamodb.waitFor('tableNotExists', { TableName, $waiter: { delay: 1 } }).promise();
    await raises('ResourceNotFoundException', dynamodb.describeTable({ TableName }).promise());
  },

  async identity() {
    const who = await new AWS.STS(common).getCallerIdentity().promise();
    assert.ok(who.Arn.includes(who.Account) && who.Account.length === 12 && who.UserId);
  },
  async functions() {
    const lambda = new AWS.Lambda(common);
    assert.ok(Array.isArray((await lambda.listFunctions().promise()).Functions));
    await raises('ResourceNotFoundException', lambda.invoke({ FunctionName: `missing-${tag}` }).promise());
  },
};

tell(steps);
