// What is in the bodies of REST v1 (05 §12) and v2 (§13), and the query parameters.
#include "base/check.h"
#include "server/openapi.h"

const struct openapi_schema openapi_schemas[] = {
	// v1
	{"V1Error", "code?:string error:string data:any status:integer"},
	{"V1Metadata", "fetched_at:time cached_until?:time"},
	{"V1Event", "internal_id:ulid account_id:uuid environment_id:uuid source:string source_id:string~ "
		    "received_at:time id:string name:string data:object~ data_removed?:boolean user?:any ts:integer "
		    "v?:string"},
	{"V1Outcome", "function_id:uuid outcome:string reason:string run_id:ulid~ other_id:ulid~ at:time"},
	{"V1Run", "run_id:ulid run_started_at:time function_id:uuid function_version:integer environment_id:uuid "
		  "event_id:ulid batch_id?:ulid original_run_id?:ulid cron?:string "
		  "status:Running|Completed|Failed|Cancelled|Overflowed|Scheduled|Unknown|Skipped ended_at:time~ "
		  "output?:any"},
	{"V1Job", "JobID:string at:time position:integer kind:string attempt:integer Raw:object"},
	{"V1Function", "internal_id:uuid env_id:uuid app_id:uuid id:string name:string config:object~ created_at:time "
		       "archived_at:time"},
	{"V1SignalRequest", "signal:string data?:any"},
	{"V1SignalResult", "run_id:ulid"},
	{"V1CancellationRequest",
	 "app_id:string function_id:string started_after?:time started_before:time if?:string"},
	{"V1Cancellation", "created_at:time name:string~ id:ulid account_id:uuid environment_id:uuid app_id:uuid "
			   "function_internal_id:uuid function_id:string started_after:time~ started_before:time "
			   "if?:string kind:string cause:string queue_name:string~"},
	{"V1Ok", "ok:boolean"},
	{"V1MetadataRequest", "target?:V1MetadataTarget metadata:[V1MetadataRecord]"},
	{"V1MetadataTarget", "step_id?:string step_index?:integer step_attempt?:integer span_id?:string"},
	{"V1MetadataRecord", "kind:string op:merge|delete|add|set values:object"},
	{"OtlpRequest", "resourceSpans?:[object]"},
	{"OtlpResponse", "partialSuccess?:OtlpPartial"},
	{"OtlpPartial", "rejectedSpans:string"},
	{"OtlpStatus", "message:string"},
	// v2
	{"OperationList", "data:Operations"},
	{"Operations", "operations:[Operation]"},
	{"Operation", "description:string http:OperationRoute id:string summary:string"},
	{"OperationRoute", "method:string path:string"},
	{"Errors", "errors:[Error]"},
	{"Error", "code:string message:string"},
	{"Metadata", "fetchedAt:time cachedUntil?:time timeRange?:TimeRange"},
	{"TimeRange", "from:time until:time"},
	{"Page", "cursor?:string hasMore?:boolean limit?:integer"},
	{"Health", "status:string"},
	{"Account", "id:uuid email:string name:string createdAt:time updatedAt:time"},
	{"Env", "id:uuid name:string type?:TEST|BRANCH createdAt:time"},
	{"Key", "key:string environment:string createdAt:time"},
	{"App",
	 "id:string name?:string method?:SERVE|CONNECT|API appVersion?:string createdAt:time isArchived?:boolean "
	 "archivedAt?:time functionCount?:integer latestSync:Sync"},
	{"Sync",
	 "sdkLanguage?:string sdkVersion?:string framework?:string url?:string error?:string appVersion?:string"},
	{"AppRef", "id?:string"},
	{"Function", "id:string slug:string name?:string isPaused?:boolean isArchived?:boolean app:AppRef "
		     "triggers?:[Trigger] configuration:Configuration"},
	{"Trigger", "type:EVENT|CRON value?:string if?:string"},
	{"Configuration", "cancellations?:[Cancellation] concurrency:[Concurrency] debounce?:Debounce "
			  "eventsBatch?:EventsBatch priority?:string rateLimit?:RateLimit retries:Retries "
			  "singleton?:Singleton throttle?:Throttle"},
	{"Cancellation", "event?:string timeout?:string condition?:string"},
	{"Concurrency", "scope:FUNCTION|ENVIRONMENT|ACCOUNT key?:string limit:ConcurrencyLimit"},
	{"ConcurrencyLimit", "value?:integer isPlanLimit:boolean"},
	{"Debounce", "period?:string key?:string"},
	{"EventsBatch", "maxSize?:integer timeout?:string key?:string"},
	{"RateLimit", "limit?:integer period?:string key?:string"},
	{"Retries", "value?:integer isDefault:boolean"},
	{"Singleton", "mode:SKIP|CANCEL key?:string"},
	{"Throttle", "limit?:integer period?:string burst?:integer key?:string"},
	{"FunctionPause", "id:string isPaused?:boolean"},
	{"FunctionRef", "id?:string name?:string"},
	{"Run", "id:ulid function:FunctionRef app:AppRef status:QUEUED|RUNNING|COMPLETED|FAILED|CANCELLED "
		"queuedAt:time startedAt?:time endedAt?:time durationMs?:int64 trigger:RunTrigger output?:object"},
	{"RunTrigger", "eventIds?:[ulid] isBatch?:boolean batchId?:ulid cronSchedule?:string"},
	{"Trace", "runId:ulid rootSpan:Span"},
	{"Span", "id:string name?:string status?:RUNNING|COMPLETED|FAILED|WAITING|CANCELLED|SKIPPED "
		 "stepOp?:RUN|SLEEP|WAIT_FOR_EVENT|INVOKE|AI_GATEWAY|WAIT_FOR_SIGNAL stepId?:string durationMs?:int64 "
		 "queuedAt?:time startedAt?:time endedAt?:time input?:object output?:object metadata?:[SpanMetadata] "
		 "children?:[Span]"},
	{"SpanMetadata", "scope?:string kind?:string values:{string} updatedAt:time"},
	{"RunId", "runId:ulid"},
	{"EventId", "eventId:ulid"},
	{"EventRequest", "name:string data?:object user?:object id?:string ts?:any"},
	{"InvokeRequest", "data:object idempotencyKey?:string"},
	{"RerunRequest", "fromStep?:RerunStep"},
	{"RerunStep", "stepId:string input?:[any]"},
	{"ScoreRequest", "name:string value:any stepId?:string experiment?:ScoreExperiment"},
	{"ScoreExperiment", "id:string variant:string"},
	{"Score", "runId:ulid name:string value:any stepId?:string experiment?:ScoreExperiment"},
};
const size_t openapi_schema_count = ARRAY_LEN(openapi_schemas);

const struct openapi_parameter openapi_parameters[] = {
	{"limit", "integer", "how many at most"},
	{"cursor", "string", "where the page begins: what the page before gave"},
	{"received_after", "string", "a date; by default an hour ago"},
	{"received_before", "string", "a date; by default now"},
	{"name", "string", "exact name of the event"},
	{"archived", "boolean", "true: the archived ones only"},
	{"includeOutput", "boolean", "with inputs and outputs"},
	{"from", "time", "first time, inclusive"},
	{"until", "time", "last time, inclusive"},
	{"timeField", "queuedAt|startedAt|endedAt", "what from, until and the order are about"},
	{"order", "ASC|DESC", "by default the newest first"},
	{"status", "[QUEUED|RUNNING|COMPLETED|FAILED|CANCELLED]", "any of"},
	{"appId", "[string]", "any of"},
	{"functionId", "[string]", "any of; needs appId"},
	{"run_id", "ulid", "of this run only"},
	{"function_id", "uuid", "of this function only"},
	{"kinds", "string", "run, step and event, divided by commas; by default run,step"},
	{"isDeferred", "boolean", "only deferred runs, or only others"},
};
const size_t openapi_parameter_count = ARRAY_LEN(openapi_parameters);
