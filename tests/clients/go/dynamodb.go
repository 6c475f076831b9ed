// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type values = map[string]types.AttributeValue

func tables() *dynamodb.Client           { return dynamodb.NewFromConfig(cfg) }
func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func number(n int) types.AttributeValue  { return &types.AttributeValueMemberN{Value: strconv.Itoa(n)} }
func key(pk string, sk int) values       { return values{"pk": text(pk), "sk": number(sk)} }
func n(item values, attribute string) string {
	return item[attribute].(*types.AttributeValueMemberN).Value
}
func s(item values, attribute string) string {
	return item[attribute].(*types.AttributeValueMemberS).Value
}
func has(item values, attribute string) bool { _, there := item[attribute]; return there }
func sorted(set types.AttributeValue) []string {
	all := slices.Clone(set.(*types.AttributeValueMemberSS).Value)
	slices.Sort(all)
	return all
}

func table() {
	client := tables()
	define := func(attribute string, kind types.ScalarAttributeType) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &attribute, AttributeType: kind}
	}
	keys := func(hash string) []types.KeySchemaElement {
		return []types.KeySchemaElement{{AttributeName: &hash, KeyType: types.KeyTypeHash}, {AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange}}
	}
	input := &dynamodb.CreateTableInput{
		TableName: name, BillingMode: types.BillingModePayPerRequest, KeySchema: keys("pk"),
		AttributeDefinitions: []types.AttributeDefinition{define("pk", "S"), define("sk", "N"), define("genre", "S")},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{IndexName: aws.String("by-genre"), KeySchema: keys("genre"),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll}}},
	}
	equal(*must(client.CreateTable(ctx, input)).TableDescription.TableName, *name)
	waiter := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = time.Second })
	check(waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: name}, time.Minute))
	described := must(client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: name})).Table
	equal([]string{string(described.TableStatus), string(described.GlobalSecondaryIndexes[0].IndexStatus)}, []string{"ACTIVE", "ACTIVE"})
	var names []string
	for pages := dynamodb.NewListTablesPaginator(client, &dynamodb.ListTablesInput{Limit: aws.Int32(1)}); pages.HasMorePages(); {
		names = append(names, must(pages.NextPage(ctx)).TableNames...)
	}
	equal(slices.Contains(names, *name), true)
	_, err := client.CreateTable(ctx, input)
	raises[*types.ResourceInUseException](err)
}

func items() {
	client, where := tables(), key("items", 1)
	item := key("items", 1)
	item["n"] = &types.AttributeValueMemberN{Value: "12345678901234567890.123456789012345678"}
	item["b"] = &types.AttributeValueMemberB{Value: []byte{0, 255}}
	item["z"] = &types.AttributeValueMemberNULL{Value: true}
	item["l"] = &types.AttributeValueMemberL{Value: []types.AttributeValue{text("ü"), number(-1)}}
	item["m"] = &types.AttributeValueMemberM{Value: values{"deep": &types.AttributeValueMemberM{Value: values{}}}}
	item["ss"] = &types.AttributeValueMemberSS{Value: []string{"a", "b"}}
	must(client.PutItem(ctx, &dynamodb.PutItemInput{TableName: name, Item: item}))
	got := must(client.GetItem(ctx, &dynamodb.GetItemInput{TableName: name, Key: where, ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal}))
	equal([]any{n(got.Item, "n"), got.Item["b"].(*types.AttributeValueMemberB).Value, sorted(got.Item["ss"]), len(got.Item), *got.ConsumedCapacity.CapacityUnits},
		[]any{n(item, "n"), []byte{0, 255}, []string{"a", "b"}, len(item), 1.0})
	updated := must(client.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: name, Key: where, ReturnValues: types.ReturnValueUpdatedNew,
		UpdateExpression:         aws.String("SET #c = if_not_exists(#c, :zero) + :one, l = list_append(l, :more) REMOVE z ADD ss :ss"),
		ExpressionAttributeNames: map[string]string{"#c": "counter"},
		ExpressionAttributeValues: values{":zero": number(0), ":one": number(1), ":more": &types.AttributeValueMemberL{Value: []types.AttributeValue{text("x")}},
			":ss": &types.AttributeValueMemberSS{Value: []string{"c"}}}})).Attributes
	equal([]any{n(updated, "counter"), len(updated["l"].(*types.AttributeValueMemberL).Value), sorted(updated["ss"])}, []any{"1", 3, []string{"a", "b", "c"}})
	old := must(client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: name, Key: where, ReturnValues: types.ReturnValueAllOld})).Attributes
	equal([]any{n(old, "counter"), has(old, "z")}, []any{"1", false})
	equal(len(must(client.GetItem(ctx, &dynamodb.GetItemInput{TableName: name, Key: where})).Item), 0)
}

func batch() {
	client := tables()
	var puts []types.WriteRequest
	for i := range 25 {
		item := key("batch", i)
		item["genre"] = text([]string{"even", "odd"}[i%2])
		item["size"] = number(i)
		puts = append(puts, types.WriteRequest{PutRequest: &types.PutRequest{Item: item}})
	}
	written := must(client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{*name: puts}}))
	equal(len(written.UnprocessedItems), 0)
	wanted := types.KeysAndAttributes{Keys: []values{key("batch", 3), key("batch", 24), key("batch", 99)}}
	got := must(client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{*name: wanted}}))
	var found []string
	for _, item := range got.Responses[*name] {
		found = append(found, n(item, "sk"))
	}
	slices.Sort(found)
	equal(found, []string{"24", "3"})
	_, err := client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{*name: append(puts, puts[0])}})
	equal(code(err), "ValidationException")
}

func query() {
	client := tables()
	var seen, wanted []string
	for i := 1; i <= 20; i++ {
		wanted = append(wanted, strconv.Itoa(i))
	}
	pages := dynamodb.NewQueryPaginator(client, &dynamodb.QueryInput{TableName: name, Limit: aws.Int32(8),
		KeyConditionExpression:    aws.String("pk = :p AND sk BETWEEN :a AND :b"),
		ExpressionAttributeValues: values{":p": text("batch"), ":a": number(1), ":b": number(20)}})
	for pages.HasMorePages() {
		for _, item := range must(pages.NextPage(ctx)).Items {
			seen = append(seen, n(item, "sk"))
		}
	}
	equal(seen, wanted)
	back := must(client.Query(ctx, &dynamodb.QueryInput{TableName: name, IndexName: aws.String("by-genre"), ScanIndexForward: aws.Bool(false), Limit: aws.Int32(3),
		KeyConditionExpression: aws.String("genre = :g"), ExpressionAttributeValues: values{":g": text("odd")}})).Items
	equal([]string{n(back[0], "sk"), n(back[1], "sk"), n(back[2], "sk")}, []string{"23", "21", "19"})
	filtered := must(client.Query(ctx, &dynamodb.QueryInput{TableName: name, KeyConditionExpression: aws.String("pk = :p"),
		FilterExpression:          aws.String("genre = :g AND NOT #s > :n"),
		ExpressionAttributeNames:  map[string]string{"#s": "size"},
		ExpressionAttributeValues: values{":p": text("batch"), ":g": text("even"), ":n": number(4)}}))
	equal([]int32{filtered.Count, filtered.ScannedCount}, []int32{3, 25})
}

func scan() {
	client := tables()
	count, pages := int32(0), 0
	for p := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: name, Limit: aws.Int32(10)}); p.HasMorePages(); pages++ {
		count += must(p.NextPage(ctx)).Count
	}
	equal([]any{count, pages}, []any{int32(25), 3})
	for segment := range int32(3) {
		count -= must(client.Scan(ctx, &dynamodb.ScanInput{TableName: name, Segment: &segment, TotalSegments: aws.Int32(3), Select: types.SelectCount})).Count
	}
	equal(count, int32(0))
}

func condition() {
	client, item := tables(), key("condition", 1)
	item["who"] = text("first")
	input := &dynamodb.PutItemInput{TableName: name, Item: item, ConditionExpression: aws.String("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld}
	must(client.PutItem(ctx, input))
	_, err := client.PutItem(ctx, input)
	failed := raises[*types.ConditionalCheckFailedException](err)
	equal([]string{*failed.Message, s(failed.Item, "who")}, []string{"The conditional request failed", "first"})
}

func dynamodbErrors() {
	client := tables()
	_, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("missing-" + tag), Key: values{"pk": text("x")}})
	raises[*types.ResourceNotFoundException](err)
	_, err = client.PutItem(ctx, &dynamodb.PutItemInput{TableName: name, Item: values{"pk": text("x")}})
	equal(code(err), "ValidationException")
}

func removeTable() {
	client, input := tables(), &dynamodb.DescribeTableInput{TableName: name}
	must(client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: name}))
	waiter := dynamodb.NewTableNotExistsWaiter(client, func(o *dynamodb.TableNotExistsWaiterOptions) { o.MinDelay = time.Second })
	check(waiter.Wait(ctx, input, time.Minute))
	_, err := client.DescribeTable(ctx, input)
	raises[*types.ResourceNotFoundException](err)
}
