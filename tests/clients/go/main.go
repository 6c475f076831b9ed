// SPDX-License-Identifier: Apache-2.0

// The story of test_story.py told by the AWS SDK for Go v2. AWS_ENDPOINT_URL says where.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

const mib = 1 << 20

var (
	ctx    = context.Background()
	tag    = os.Getenv("STORY_TAG")
	strict = os.Getenv("STORY_MODE") == "strict"
	name   = aws.String("story-" + tag) // of the bucket and of the table
	cfg    aws.Config
)

type failure string

// Steps fail by panicking with one of these, which tell() catches.
func fail(format string, arguments ...any) { panic(failure(fmt.Sprintf(format, arguments...))) }

func check(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func equal(got, wanted any) {
	if a, b := fmt.Sprintf("%#v", got), fmt.Sprintf("%#v", wanted); a != b {
		fail("%.300s is not %.300s", a, b)
	}
}

// The error of this type that a call must end with.
func raises[E error](err error) E {
	var wanted E
	if !errors.As(err, &wanted) {
		fail("%v is not a %T", err, wanted)
	}
	return wanted
}

func code(err error) string {
	var answered smithy.APIError
	if !errors.As(err, &answered) {
		fail("%v is no answer", err)
	}
	return answered.ErrorCode()
}

func pattern(size int) []byte {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i % 251)
	}
	return data
}

func fetch(method, where string, body []byte, status int) string {
	request := must(http.NewRequest(method, where, bytes.NewReader(body)))
	answer := must(http.DefaultClient.Do(request))
	defer answer.Body.Close()
	text := string(must(io.ReadAll(answer.Body)))
	if answer.StatusCode != status {
		fail("%d is not %d: %s", answer.StatusCode, status, text)
	}
	return text
}

func spoiled(where string) string {
	at := strings.Index(where, "X-Amz-Signature=") + len("X-Amz-Signature=")
	replaced := "00"
	if where[at:at+2] == replaced {
		replaced = "11"
	}
	return where[:at] + replaced + where[at+2:]
}

func identity() {
	who := must(sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}))
	equal([]any{len(*who.Account), strings.Contains(*who.Arn, *who.Account), *who.UserId != ""}, []any{12, true, true})
}

func functions() {
	client := lambda.NewFromConfig(cfg)
	for pages := lambda.NewListFunctionsPaginator(client, &lambda.ListFunctionsInput{}); pages.HasMorePages(); {
		must(pages.NextPage(ctx))
	}
	_, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("missing-" + tag)})
	if e := raises[*lambdatypes.ResourceNotFoundException](err); !strings.Contains(e.Error(), "Function not found") {
		fail("%v", e)
	}
}

func tell(step string, run func()) {
	line := map[string]any{"step": step, "ok": true}
	func() {
		defer func() {
			if why := recover(); why != nil {
				line["ok"], line["error"] = false, fmt.Sprint(why)
			}
		}()
		run()
	}()
	check(json.NewEncoder(os.Stdout).Encode(line))
}

func main() {
	var err error
	cfg, err = config.LoadDefaultConfig(ctx, config.WithRetryMaxAttempts(1))
	check(err)
	steps := []struct {
		name string
		run  func()
	}{
		{"bucket", bucket}, {"object", object}, {"shape", shape}, {"multipart", multipart}, {"list", list}, {"presigned", presigned},
		{"conditional_put", conditionalPut}, {"tags", tags}, {"versions", versions}, {"s3_errors", s3Errors},
		{"remove_bucket", removeBucket}, {"table", table}, {"items", items}, {"batch", batch}, {"query", query}, {"scan", scan},
		{"condition", condition}, {"dynamodb_errors", dynamodbErrors}, {"remove_table", removeTable}, {"identity", identity},
		{"functions", functions},
	}
	for _, s := range steps {
		tell(s.name, s.run)
	}
}
