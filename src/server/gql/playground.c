// A page to try queries on (spec 06 §1.1): a text area, a button, the answer. Nothing comes from elsewhere.
#include "server/server_internal.h"

static const char page[] =
	"<!doctype html>\n"
	"<html lang=\"en\">\n"
	"<meta charset=\"utf-8\">\n"
	"<title>GraphQL</title>\n"
	"<style>\n"
	"body { font: 14px system-ui, sans-serif; margin: 1rem; display: grid; gap: .5rem; }\n"
	"main { display: grid; grid-template-columns: 1fr 1fr; gap: .5rem; height: 85vh; }\n"
	"form { display: grid; grid-template-rows: 1fr 8rem auto; gap: .5rem; }\n"
	"textarea, pre { font: 13px ui-monospace, monospace; margin: 0; padding: .5rem; border: 1px solid #999; }\n"
	"pre { overflow: auto; }\n"
	"</style>\n"
	"<h1>GraphQL</h1>\n"
	"<main>\n"
	"<form>\n"
	"<textarea name=\"query\" aria-label=\"Query\" spellcheck=\"false\">{\n  apps {\n    name\n    functions { "
	"slug }\n"
	"  }\n}</textarea>\n"
	"<textarea name=\"variables\" aria-label=\"Variables\" spellcheck=\"false\">{}</textarea>\n"
	"<button title=\"Ctrl+Enter\">Run</button>\n"
	"</form>\n"
	"<pre aria-label=\"Result\" aria-live=\"polite\"></pre>\n"
	"</main>\n"
	"<script>\n"
	"const form = document.querySelector('form'), result = document.querySelector('pre');\n"
	"async function run() {\n"
	"  try {\n"
	"    const body = JSON.stringify({ query: form.query.value, variables: JSON.parse(form.variables.value || "
	"'{}') "
	"});\n"
	"    const headers = { 'content-type': 'application/json' };\n"
	"    const reply = await fetch('/v0/gql', { method: 'POST', headers, body });\n"
	"    result.textContent = JSON.stringify(await reply.json(), null, 2);\n"
	"  } catch (error) {\n"
	"    result.textContent = String(error);\n"
	"  }\n"
	"}\n"
	"form.addEventListener('submit', (event) => { event.preventDefault(); run(); });\n"
	"form.addEventListener('keydown', (event) => { if (event.key === 'Enter' && event.ctrlKey) run(); });\n"
	"</script>\n"
	"</html>\n";

void gql_page_start(struct request *request) {
	if (request->server->gql == NULL)
		respond_not_found(request);
	else
		respond(request, 200, "text/html; charset=utf-8", STR(page));
}
