// What is wrong with the functions of a registration: collected, joined, bounded (spec 01 §11). Private to src/model.
#ifndef INNGEST_MODEL_PROBLEM_H
#define INNGEST_MODEL_PROBLEM_H

#include "base/arena.h"
#include "base/str.h"

#define PROBLEMS_LISTED_MAX 1000u // later ones are only counted

struct problem {
	const char *code;
	struct str message;
};
struct problems {
	struct arena *arena;
	size_t count;
	size_t listed;
	size_t capacity;
	struct problem *list;
};

#define PROBLEM_UNKNOWN "unknown"

// Counts one more; true when there is room to list it.
bool problems_count(struct problems *problems);
void problems_list(struct problems *problems, const char *code, struct str message);
// PROBLEM_ADD(problems, code, format, …)
#define PROBLEM_ADD(problems, code, ...)                                                                 \
	do {                                                                                             \
		if (problems_count(problems))                                                            \
			problems_list((problems), (code), arena_printf((problems)->arena, __VA_ARGS__)); \
	} while (0)
// Text of the client's inside a message.
struct str problem_quote(struct str text);

// "2 errors occurred: * … * …"; empty when there is none.
struct str problems_text(const struct problems *problems);
// [{"code":…,"data":null,"message":…},…]; empty when there is none.
struct str problems_json(const struct problems *problems);

#endif
