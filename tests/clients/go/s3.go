// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

func store() *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
}

func put(key string, body io.Reader, more ...func(*s3.PutObjectInput)) *s3.PutObjectOutput {
	input := &s3.PutObjectInput{Bucket: name, Key: &key, Body: body}
	for _, change := range more {
		change(input)
	}
	return must(store().PutObject(ctx, input))
}

func content(key string, more ...func(*s3.GetObjectInput)) string {
	input := &s3.GetObjectInput{Bucket: name, Key: &key}
	for _, change := range more {
		change(input)
	}
	got := must(store().GetObject(ctx, input))
	defer got.Body.Close()
	return string(must(io.ReadAll(got.Body)))
}

func head(key string) *s3.HeadObjectOutput {
	return must(store().HeadObject(ctx, &s3.HeadObjectInput{Bucket: name, Key: &key}))
}

func bucket() {
	client := store()
	_, err := client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: name})
	raises[*types.NotFound](err)
	must(client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: name}))
	check(s3.NewBucketExistsWaiter(client).Wait(ctx, &s3.HeadBucketInput{Bucket: name}, 20*time.Second))
	listed := must(client.ListBuckets(ctx, &s3.ListBucketsInput{})).Buckets
	equal(slices.ContainsFunc(listed, func(b types.Bucket) bool { return *b.Name == *name }), true)
	equal(string(must(client.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: name})).LocationConstraint), "")
}

func object() {
	client, key := store(), "dir/ein Schlüssel +&=?.txt"
	made := put(key, strings.NewReader("hello"), func(i *s3.PutObjectInput) {
		i.ContentType, i.Metadata = aws.String("text/plain"), map[string]string{"colour": "blue"}
	})
	equal(*made.ETag, `"5d41402abc4b2a76b9719d911017c592"`)
	got := must(client.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: &key}))
	equal([]any{string(must(io.ReadAll(got.Body))), *got.ContentType, got.Metadata["colour"], *got.ETag}, []any{"hello", "text/plain", "blue", *made.ETag})
	equal(content(key, func(i *s3.GetObjectInput) { i.Range = aws.String("bytes=1-3") }), "ell")
	equal(*head(key).ContentLength, int64(5))
	source := *name + "/" + strings.ReplaceAll(url.QueryEscape(key), "+", "%20")
	copied := must(client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: name, Key: aws.String("copy"), CopySource: &source}))
	equal([]string{*copied.CopyObjectResult.ETag, head("copy").Metadata["colour"]}, []string{*made.ETag, "blue"})
	for _, gone := range []string{key, "copy"} {
		must(client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: name, Key: &gone}))
	}
	_, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: name, Key: &key})
	raises[*types.NotFound](err)
	put("empty", strings.NewReader(""))
	equal(content("empty"), "")
}

func shape() {
	data := pattern(3*mib + 1)
	put("shape/bytes", bytes.NewReader(data))
	equal(content("shape/bytes") == string(data), true)
	for _, algorithm := range []types.ChecksumAlgorithm{types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmCrc32c, types.ChecksumAlgorithmSha1,
		types.ChecksumAlgorithmSha256, types.ChecksumAlgorithmCrc64nvme} {
		key := "shape/" + string(algorithm)
		put(key, bytes.NewReader(data), func(i *s3.PutObjectInput) { i.ChecksumAlgorithm = algorithm })
		equal(content(key) == string(data), true) // what the client verifies too
		got := must(store().HeadObject(ctx, &s3.HeadObjectInput{Bucket: name, Key: &key, ChecksumMode: types.ChecksumModeEnabled}))
		sums := map[types.ChecksumAlgorithm]*string{types.ChecksumAlgorithmCrc32: got.ChecksumCRC32, types.ChecksumAlgorithmCrc32c: got.ChecksumCRC32C,
			types.ChecksumAlgorithmSha1: got.ChecksumSHA1, types.ChecksumAlgorithmSha256: got.ChecksumSHA256, types.ChecksumAlgorithmCrc64nvme: got.ChecksumCRC64NVME}
		for other, sum := range sums {
			equal([]any{other, sum != nil}, []any{other, other == algorithm})
		}
		equal(got.ChecksumType, types.ChecksumTypeFullObject)
	}
}

func multipart() { // s3manager, from a reader of unknown length
	client, key, data := store(), aws.String("multipart"), pattern(17*mib)
	uploader := manager.NewUploader(client)
	must(uploader.Upload(ctx, &s3.PutObjectInput{Bucket: name, Key: key, Body: io.MultiReader(bytes.NewReader(data)), Metadata: map[string]string{"made": "of parts"}}))
	got := head(*key)
	equal([]any{*got.ContentLength, got.Metadata["made"], strings.HasSuffix(*got.ETag, `-4"`)}, []any{int64(len(data)), "of parts", true})
	into := manager.NewWriteAtBuffer(nil)
	must(manager.NewDownloader(client).Download(ctx, into, &s3.GetObjectInput{Bucket: name, Key: key}))
	equal(bytes.Equal(into.Bytes(), data), true)
	aborted := aws.String("aborted")
	upload := must(client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: name, Key: aborted})).UploadId
	must(client.UploadPart(ctx, &s3.UploadPartInput{Bucket: name, Key: aborted, UploadId: upload, PartNumber: aws.Int32(1), Body: strings.NewReader("part")}))
	parts := must(client.ListParts(ctx, &s3.ListPartsInput{Bucket: name, Key: aborted, UploadId: upload})).Parts
	equal([]int64{int64(len(parts)), *parts[0].Size}, []int64{1, 4})
	must(client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: name, Key: aborted, UploadId: upload}))
	_, err := client.ListParts(ctx, &s3.ListPartsInput{Bucket: name, Key: aborted, UploadId: upload})
	equal(code(err), "NoSuchUpload")
}

func list() {
	client := store()
	var keys, seen []string
	var objects []types.ObjectIdentifier
	for n := range 25 {
		key := fmt.Sprintf("list/%02d", n)
		keys, objects = append(keys, key), append(objects, types.ObjectIdentifier{Key: &key})
		put(key, strings.NewReader("x"))
	}
	var sizes []int
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: name, Prefix: aws.String("list/"), MaxKeys: aws.Int32(10)})
	for pages.HasMorePages() {
		page := must(pages.NextPage(ctx))
		sizes = append(sizes, len(page.Contents))
		for _, o := range page.Contents {
			seen = append(seen, *o.Key)
		}
	}
	equal([]any{sizes, seen}, []any{[]int{10, 10, 5}, keys})
	top := must(client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: name, Delimiter: aws.String("/")}))
	equal(slices.ContainsFunc(top.CommonPrefixes, func(p types.CommonPrefix) bool { return *p.Prefix == "list/" }), true)
	equal(len(must(client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: name, Delete: &types.Delete{Objects: objects}})).Deleted), 25)
	equal(*must(client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: name, Prefix: aws.String("list/")})).KeyCount, int32(0))
}

func presigned() {
	signer, key := s3.NewPresignClient(store()), aws.String("pre signed")
	up := must(signer.PresignPutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: key}, s3.WithPresignExpires(5*time.Minute)))
	fetch("PUT", up.URL, []byte("by plain HTTP"), 200)
	down := must(signer.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key}))
	equal(fetch("GET", down.URL, nil, 200), "by plain HTTP")
	if strict {
		equal(strings.Contains(fetch("GET", spoiled(down.URL), nil, 403), "SignatureDoesNotMatch"), true)
	}
}

func conditionalPut() {
	client, key, any := store(), aws.String("once"), aws.String("*")
	put(*key, strings.NewReader("first"), func(i *s3.PutObjectInput) { i.IfNoneMatch = any })
	_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: key, Body: strings.NewReader("second"), IfNoneMatch: any})
	equal([]string{code(err), content(*key)}, []string{"PreconditionFailed", "first"})
	_, err = client.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key, IfNoneMatch: head(*key).ETag})
	var answer *awshttp.ResponseError
	equal([]bool{errors.As(err, &answer), answer != nil && answer.HTTPStatusCode() == http.StatusNotModified}, []bool{true, true})
}

func tags() {
	client, key := store(), aws.String("tagged")
	tagsOf := func() (all []string) {
		for _, t := range must(client.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: name, Key: key})).TagSet {
			all = append(all, *t.Key+"="+*t.Value)
		}
		slices.Sort(all)
		return
	}
	put(*key, strings.NewReader(""), func(i *s3.PutObjectInput) { i.Tagging = aws.String("a=1&b=two%20words") })
	equal(tagsOf(), []string{"a=1", "b=two words"})
	set := &types.Tagging{TagSet: []types.Tag{{Key: aws.String("c"), Value: aws.String("")}}}
	must(client.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: name, Key: key, Tagging: set}))
	equal(tagsOf(), []string{"c="})
	must(client.DeleteObjectTagging(ctx, &s3.DeleteObjectTaggingInput{Bucket: name, Key: key}))
	equal(len(tagsOf()), 0)
	_, err := client.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: name})
	equal(code(err), "NoSuchTagSet")
}

func versioning(status types.BucketVersioningStatus) {
	must(store().PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: name, VersioningConfiguration: &types.VersioningConfiguration{Status: status}}))
}

func versions() {
	client, key := store(), aws.String("v")
	versioning(types.BucketVersioningStatusEnabled)
	first, second := *put(*key, strings.NewReader("1")).VersionId, *put(*key, strings.NewReader("2")).VersionId
	equal([]string{content(*key), content(*key, func(i *s3.GetObjectInput) { i.VersionId = &first })}, []string{"2", "1"})
	marker := must(client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: name, Key: key}))
	equal(*marker.DeleteMarker, true)
	_, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key})
	raises[*types.NoSuchKey](err)
	listed := must(client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: name, Prefix: key}))
	equal([]string{*listed.Versions[0].VersionId, *listed.Versions[1].VersionId, *listed.DeleteMarkers[0].VersionId}, []string{second, first, *marker.VersionId})
	must(client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: name, Key: key, VersionId: marker.VersionId}))
	equal(content(*key), "2")
	versioning(types.BucketVersioningStatusSuspended)
}

func s3Errors() {
	client := store()
	_, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: aws.String("missing")})
	raises[*types.NoSuchKey](err)
	_, err = client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("missing-" + tag)})
	equal(code(err), "NoSuchBucket")
	_, err = client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: name})
	equal(code(err), "BucketNotEmpty")
}

func removeBucket() {
	client := store()
	var objects []types.ObjectIdentifier
	for pages := s3.NewListObjectVersionsPaginator(client, &s3.ListObjectVersionsInput{Bucket: name, MaxKeys: aws.Int32(3)}); pages.HasMorePages(); {
		page := must(pages.NextPage(ctx))
		for _, v := range page.Versions {
			objects = append(objects, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
		}
		for _, m := range page.DeleteMarkers {
			objects = append(objects, types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
		}
	}
	must(client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: name, Delete: &types.Delete{Objects: objects, Quiet: aws.Bool(true)}}))
	must(client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: name}))
	check(s3.NewBucketNotExistsWaiter(client).Wait(ctx, &s3.HeadBucketInput{Bucket: name}, 20*time.Second))
}
