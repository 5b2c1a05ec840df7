// AWS Lambda emulation (spec 01 §4.3, 02 §2.1): an app behind the Lambda invocation API is called through an
// API-Gateway proxy event, and its reply is taken out of an API-Gateway proxy response.
#ifndef INNGEST_DRIVER_LAMBDA_H
#define INNGEST_DRIVER_LAMBDA_H

#include "driver/http_client.h"

bool lambda_is_target(struct str url);
// Wraps the request of a filled exchange. Not started yet.
void lambda_wrap(struct http_exchange *exchange);
// Unwraps the reply of a finished exchange. A reply that is no proxy response stays as it is.
void lambda_unwrap(struct http_exchange *exchange);

#endif
