// SPDX-License-Identifier: Apache-2.0

#include "services/iam/aws_policies.h"

#include <algorithm>

#include "crypto/hash.h"

namespace gust::iam {
namespace {

constexpr std::string_view kRoot = "/", kService = "/service-role/", kJob = "/job-function/";
// What several of Lambda's have in common: writing its logs.
#define GUST_LOGS "logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents"

constexpr AwsPolicy kPolicies[] = {
    {kRoot, "AWSCloudFormationFullAccess", "Full access to AWS CloudFormation.", "cloudformation:*"},
    {kRoot, "AWSCloudFormationReadOnlyAccess", "Reading of AWS CloudFormation.",
     "cloudformation:Describe* cloudformation:EstimateTemplateCost cloudformation:Get* cloudformation:List* "
     "cloudformation:ValidateTemplate"},
    {kRoot, "AWSKeyManagementServicePowerUser", "Use of AWS Key Management Service.",
     "kms:CreateAlias kms:CreateKey kms:DeleteAlias kms:Describe* kms:GenerateRandom kms:Get* kms:List* kms:TagResource "
     "kms:UntagResource iam:ListGroups iam:ListRoles iam:ListUsers"},
    {kRoot, "AWSLambdaExecute", "Put and get of S3 objects, and full access to CloudWatch Logs.",
     "logs:* s3:GetObject s3:PutObject"},
    {kRoot, "AWSLambdaInvocation-DynamoDB", "Reading of DynamoDB streams.",
     "lambda:InvokeFunction dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator dynamodb:ListStreams"},
    {kRoot, "AWSLambda_FullAccess", "Full access to AWS Lambda and what its console shows.",
     "cloudformation:DescribeStacks cloudformation:ListStackResources cloudwatch:ListMetrics cloudwatch:GetMetricData "
     "ec2:DescribeSecurityGroups ec2:DescribeSubnets ec2:DescribeVpcs kms:ListAliases iam:GetPolicy iam:GetPolicyVersion "
     "iam:GetRole iam:GetRolePolicy iam:ListAttachedRolePolicies iam:ListRolePolicies iam:ListRoles lambda:* "
     "logs:DescribeLogGroups states:DescribeStateMachine states:ListStateMachines tag:GetResources xray:GetTraceSummaries "
     "xray:BatchGetTraces"},
    {kRoot, "AWSLambda_ReadOnlyAccess", "Reading of AWS Lambda.",
     "lambda:Get* lambda:List* logs:DescribeLogGroups cloudwatch:GetMetricData cloudwatch:ListMetrics iam:GetRole iam:ListRoles "
     "kms:ListAliases tag:GetResources"},
    {kRoot, "AWSStepFunctionsFullAccess", "Full access to AWS Step Functions.", "states:*"},
    {kRoot, "AWSXRayDaemonWriteAccess", "What the X-Ray daemon needs to send traces.",
     "xray:PutTraceSegments xray:PutTelemetryRecords xray:GetSamplingRules xray:GetSamplingTargets "
     "xray:GetSamplingStatisticSummaries"},
    {kRoot, "AWSXrayFullAccess", "Full access to AWS X-Ray.", "xray:*"},
    {kRoot, "AWSXrayReadOnlyAccess", "Reading of AWS X-Ray.", "xray:BatchGetTraces xray:Get* xray:List*"},
    {kRoot, "AWSXrayWriteOnlyAccess", "Writing of AWS X-Ray.",
     "xray:PutTraceSegments xray:PutTelemetryRecords xray:GetSamplingRules xray:GetSamplingTargets "
     "xray:GetSamplingStatisticSummaries"},
    {kRoot, "AdministratorAccess", "Full access to all services and resources.", "*"},
    {kRoot, "AmazonAPIGatewayInvokeFullAccess", "Calling of all APIs of API Gateway.",
     "execute-api:Invoke "
     "execute-api:ManageConnections"},
    {kRoot, "AmazonDynamoDBFullAccess", "Full access to Amazon DynamoDB.",
     "dynamodb:* dax:* application-autoscaling:DeleteScalingPolicy application-autoscaling:DescribeScalableTargets "
     "application-autoscaling:PutScalingPolicy application-autoscaling:RegisterScalableTarget cloudwatch:DescribeAlarms "
     "cloudwatch:GetMetricData cloudwatch:PutMetricAlarm cloudwatch:DeleteAlarms iam:GetRole iam:ListRoles kms:DescribeKey "
     "kms:ListAliases sns:CreateTopic sns:ListTopics sns:Subscribe lambda:CreateEventSourceMapping "
     "lambda:DeleteEventSourceMapping lambda:GetFunctionConfiguration lambda:ListEventSourceMappings lambda:ListFunctions"},
    {kRoot, "AmazonDynamoDBReadOnlyAccess", "Reading of Amazon DynamoDB.",
     "dynamodb:BatchGetItem dynamodb:Describe* dynamodb:GetItem dynamodb:GetRecords dynamodb:GetShardIterator dynamodb:List* "
     "dynamodb:PartiQLSelect dynamodb:Query dynamodb:Scan cloudwatch:GetMetricData kms:DescribeKey kms:ListAliases"},
    {kRoot, "AmazonEC2ContainerRegistryFullAccess", "Full access to Amazon ECR.", "ecr:* cloudtrail:LookupEvents"},
    {kRoot, "AmazonEC2ContainerRegistryReadOnly", "Reading of Amazon ECR.",
     "ecr:BatchCheckLayerAvailability ecr:BatchGetImage ecr:DescribeImages ecr:DescribeRepositories ecr:GetAuthorizationToken "
     "ecr:GetDownloadUrlForLayer ecr:GetRepositoryPolicy ecr:ListImages ecr:ListTagsForResource"},
    {kRoot, "AmazonEC2FullAccess", "Full access to Amazon EC2.", "ec2:* elasticloadbalancing:* cloudwatch:* autoscaling:*"},
    {kRoot, "AmazonEC2ReadOnlyAccess", "Reading of Amazon EC2.",
     "ec2:Describe* ec2:Get* elasticloadbalancing:Describe* cloudwatch:GetMetricStatistics cloudwatch:ListMetrics "
     "autoscaling:Describe*"},
    {kRoot, "AmazonEventBridgeFullAccess", "Full access to Amazon EventBridge.", "events:* schemas:* scheduler:* pipes:*"},
    {kRoot, "AmazonKinesisFullAccess", "Full access to Amazon Kinesis streams.", "kinesis:*"},
    {kRoot, "AmazonKinesisReadOnlyAccess", "Reading of Amazon Kinesis streams.", "kinesis:Get* kinesis:List* kinesis:Describe*"},
    {kRoot, "AmazonRDSFullAccess", "Full access to Amazon RDS.",
     "rds:* cloudwatch:GetMetricStatistics ec2:Describe* "
     "logs:DescribeLogStreams logs:GetLogEvents"},
    {kRoot, "AmazonS3FullAccess", "Full access to all buckets.", "s3:* s3-object-lambda:*"},
    {kRoot, "AmazonS3ReadOnlyAccess", "Reading of all buckets.",
     "s3:Get* s3:List* s3:Describe* s3-object-lambda:Get* s3-object-lambda:List*"},
    {kRoot, "AmazonSESFullAccess", "Full access to Amazon SES.", "ses:*"},
    {kRoot, "AmazonSNSFullAccess", "Full access to Amazon SNS.", "sns:*"},
    {kRoot, "AmazonSNSReadOnlyAccess", "Reading of Amazon SNS.", "sns:GetTopicAttributes sns:List*"},
    {kRoot, "AmazonSQSFullAccess", "Full access to Amazon SQS.", "sqs:*"},
    {kRoot, "AmazonSQSReadOnlyAccess", "Reading of Amazon SQS.",
     "sqs:GetQueueAttributes sqs:GetQueueUrl sqs:ListDeadLetterSourceQueues sqs:ListQueues sqs:ListMessageMoveTasks "
     "sqs:ListQueueTags"},
    {kRoot, "AmazonSSMFullAccess", "Full access to AWS Systems Manager.",
     "ssm:* cloudwatch:PutMetricData ds:CreateComputer "
     "ds:DescribeDirectories ec2:DescribeInstanceStatus logs:* ec2messages:*"},
    {kRoot, "AmazonSSMManagedInstanceCore", "What an instance needs for AWS Systems Manager.",
     "ssm:DescribeAssociation ssm:GetDocument ssm:DescribeDocument ssm:GetManifest ssm:GetParameter ssm:GetParameters "
     "ssm:ListAssociations ssm:PutInventory ssm:UpdateInstanceInformation ssmmessages:* ec2messages:*"},
    {kRoot, "AmazonSSMReadOnlyAccess", "Reading of AWS Systems Manager.", "ssm:Describe* ssm:Get* ssm:List*"},
    {kRoot, "CloudWatchAgentServerPolicy", "What the CloudWatch agent of a server needs.",
     "cloudwatch:PutMetricData ec2:DescribeVolumes ec2:DescribeTags logs:PutLogEvents logs:PutRetentionPolicy "
     "logs:DescribeLogStreams logs:DescribeLogGroups logs:CreateLogStream logs:CreateLogGroup ssm:GetParameter"},
    {kRoot, "CloudWatchFullAccess", "Full access to Amazon CloudWatch.",
     "autoscaling:Describe* cloudwatch:* logs:* sns:* "
     "iam:GetPolicy iam:GetPolicyVersion iam:GetRole"},
    {kRoot, "CloudWatchFullAccessV2", "Full access to Amazon CloudWatch.",
     "autoscaling:Describe* cloudwatch:* logs:* sns:* "
     "iam:GetPolicy iam:GetPolicyVersion iam:GetRole"},
    {kRoot, "CloudWatchLambdaInsightsExecutionRolePolicy", "What the Lambda Insights extension needs.", GUST_LOGS},
    {kRoot, "CloudWatchLogsFullAccess", "Full access to CloudWatch Logs.", "logs:* cloudwatch:GenerateQuery"},
    {kRoot, "CloudWatchLogsReadOnlyAccess", "Reading of CloudWatch Logs.",
     "logs:Describe* logs:Get* logs:List* logs:StartQuery logs:StopQuery logs:TestMetricFilter logs:FilterLogEvents"},
    {kRoot, "CloudWatchReadOnlyAccess", "Reading of Amazon CloudWatch.",
     "autoscaling:Describe* cloudwatch:Describe* cloudwatch:Get* cloudwatch:List* logs:Get* logs:List* logs:Describe* "
     "logs:FilterLogEvents sns:Get* sns:List*"},
    {kRoot, "IAMFullAccess", "Full access to IAM.", "iam:* organizations:DescribeAccount organizations:DescribeOrganization"},
    {kRoot, "IAMReadOnlyAccess", "Reading of IAM.",
     "iam:GenerateCredentialReport iam:GenerateServiceLastAccessedDetails iam:Get* "
     "iam:List* iam:SimulateCustomPolicy iam:SimulatePrincipalPolicy"},
    {kRoot, "PowerUserAccess", "All services but the management of users and groups.", "!iam:* organizations:* account:*"},
    {kRoot, "ReadOnlyAccess", "Reading of all services.",
     "apigateway:GET cloudformation:Describe* cloudformation:Get* cloudformation:List* cloudwatch:Describe* cloudwatch:Get* "
     "cloudwatch:List* dynamodb:BatchGet* dynamodb:Describe* dynamodb:Get* dynamodb:List* dynamodb:Query dynamodb:Scan "
     "ec2:Describe* ec2:Get* ecr:BatchGet* ecr:Describe* ecr:Get* ecr:List* events:Describe* events:List* iam:Get* iam:List* "
     "kinesis:Describe* kinesis:Get* kinesis:List* kms:Describe* kms:Get* kms:List* lambda:Get* lambda:List* logs:Describe* "
     "logs:FilterLogEvents logs:Get* logs:List* s3:Get* s3:List* scheduler:Get* scheduler:List* secretsmanager:Describe* "
     "secretsmanager:GetResourcePolicy secretsmanager:List* sns:Get* sns:List* sqs:Get* sqs:List* ssm:Describe* ssm:Get* "
     "ssm:List* states:Describe* states:Get* states:List* sts:GetCallerIdentity tag:Get* xray:BatchGet* xray:Get*"},
    {kRoot, "SecretsManagerReadWrite", "Reading and writing of AWS Secrets Manager.",
     "secretsmanager:* cloudformation:CreateChangeSet cloudformation:DescribeChangeSet cloudformation:DescribeStacks "
     "cloudformation:ExecuteChangeSet kms:DescribeKey kms:ListAliases kms:ListKeys lambda:ListFunctions tag:GetResources"},
    {kRoot, "SecurityAudit", "What an audit of the configuration reads.",
     "cloudformation:Describe* cloudformation:List* cloudwatch:Describe* dynamodb:Describe* dynamodb:List* ec2:Describe* "
     "iam:Get* iam:List* kms:Describe* kms:Get* kms:List* lambda:Get* lambda:List* logs:Describe* s3:GetBucket* s3:List* "
     "sns:Get* sns:List* sqs:GetQueueAttributes sqs:ListQueues"},
    {kJob, "ViewOnlyAccess", "Looking at resources and their names.",
     "cloudformation:List* cloudwatch:Describe* dynamodb:List* ec2:Describe* iam:List* lambda:List* logs:Describe* "
     "s3:ListAllMyBuckets sns:List* sqs:ListQueues"},
    {kService, "AWSLambdaBasicDurableExecutionRolePolicy", "What a durable function needs.",
     GUST_LOGS " lambda:CheckpointDurableExecution lambda:GetDurableExecutionState"},
    {kService, "AWSLambdaBasicExecutionRole", "Writing of a function's logs.", GUST_LOGS},
    {kService, "AWSLambdaDynamoDBExecutionRole", "Reading of DynamoDB streams, and logs.",
     "dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator dynamodb:ListStreams " GUST_LOGS},
    {kService, "AWSLambdaENIManagementAccess", "Network interfaces of a function in a VPC.",
     "ec2:CreateNetworkInterface ec2:DescribeNetworkInterfaces ec2:DeleteNetworkInterface"},
    {kService, "AWSLambdaKinesisExecutionRole", "Reading of Kinesis streams, and logs.",
     "kinesis:DescribeStream kinesis:DescribeStreamSummary kinesis:GetRecords kinesis:GetShardIterator kinesis:ListShards "
     "kinesis:ListStreams kinesis:SubscribeToShard " GUST_LOGS},
    {kService, "AWSLambdaMSKExecutionRole", "Reading of MSK clusters, and logs.",
     "kafka:DescribeCluster kafka:DescribeClusterV2 kafka:GetBootstrapBrokers ec2:CreateNetworkInterface "
     "ec2:DescribeNetworkInterfaces ec2:DescribeVpcs ec2:DeleteNetworkInterface ec2:DescribeSubnets "
     "ec2:DescribeSecurityGroups " GUST_LOGS},
    {kService, "AWSLambdaRole", "Calling of functions.", "lambda:InvokeFunction"},
    {kService, "AWSLambdaSQSQueueExecutionRole", "Reading of SQS queues, and logs.",
     "sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes " GUST_LOGS},
    {kService, "AWSLambdaVPCAccessExecutionRole", "Network interfaces of a function in a VPC, and logs.",
     GUST_LOGS " ec2:CreateNetworkInterface ec2:DescribeNetworkInterfaces ec2:DescribeSubnets ec2:DeleteNetworkInterface "
               "ec2:AssignPrivateIpAddresses ec2:UnassignPrivateIpAddresses"},
    {kService, "AmazonAPIGatewayPushToCloudWatchLogs", "Logs of API Gateway.",
     GUST_LOGS " logs:DescribeLogGroups logs:DescribeLogStreams logs:GetLogEvents logs:FilterLogEvents"},
    {kService, "AmazonECSTaskExecutionRolePolicy", "Images and logs of an ECS task.",
     "ecr:GetAuthorizationToken ecr:BatchCheckLayerAvailability ecr:GetDownloadUrlForLayer ecr:BatchGetImage "
     "logs:CreateLogStream logs:PutLogEvents"},
    {kService, "AmazonS3ObjectLambdaExecutionRolePolicy", "Functions of S3 Object Lambda.",
     GUST_LOGS " s3-object-lambda:WriteGetObjectResponse"},
};
#undef GUST_LOGS

}  // namespace

// A leading "!" makes it everything but these actions.
std::string AwsPolicy::document() const {
  const bool all_but = actions.starts_with('!');
  std::string list;
  for (size_t at = all_but ? 1 : 0; at < actions.size();) {
    const size_t end = std::min(actions.find(' ', at), actions.size());
    if (end > at) list.append(list.empty() ? "\"" : ",\"").append(actions.substr(at, end - at)).append("\"");
    at = end + 1;
  }
  return std::string("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"") + (all_but ? "NotAction" : "Action") +
         "\":[" + list + "],\"Resource\":\"*\"}]}";
}

std::string AwsPolicy::id() const {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string out = "ANPA";
  for (char byte : sha256(arn()).substr(0, 17)) out += kLetters[static_cast<unsigned char>(byte) & 31];
  return out;
}

std::span<const AwsPolicy> aws_policies() { return kPolicies; }

const AwsPolicy* find_aws_policy(std::string_view arn) {
  if (!arn.starts_with(kAwsPolicyArns)) return nullptr;
  const auto at = std::find_if(std::begin(kPolicies), std::end(kPolicies), [arn](const AwsPolicy& p) { return p.arn() == arn; });
  return at == std::end(kPolicies) ? nullptr : at;
}

}  // namespace gust::iam
