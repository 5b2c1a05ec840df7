// Intrusive doubly linked list (circular, with a head that is not an element). No allocation, one thread at a time.
#ifndef INNGEST_BASE_LIST_H
#define INNGEST_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"

struct list {
	struct list *next;
	struct list *prev;
};

static inline void list_init(struct list *list) {
	list->next = list->prev = list;
}
static inline bool list_empty(const struct list *list) {
	return list->next == list;
}
static inline void list_push_back(struct list *head, struct list *node) {
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}
static inline void list_push_front(struct list *head, struct list *node) {
	node->next = head->next;
	node->prev = head;
	head->next->prev = node;
	head->next = node;
}
// Leaves the node initialised, so that removing twice is harmless.
static inline void list_remove(struct list *node) {
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}
static inline struct list *list_pop_front(struct list *head) {
	if (list_empty(head)) return NULL;
	struct list *node = head->next;
	list_remove(node);
	return node;
}

#define list_entry(node, type, member) container_of(node, type, member)
#define list_for_each(node, head) for (struct list *node = (head)->next; node != (head); node = node->next)
// The body may remove `node`.
#define list_for_each_safe(node, head)                                                    \
	for (struct list *node = (head)->next, *node##_next = node->next; node != (head); \
	     node = node##_next, node##_next = node->next)

#endif
