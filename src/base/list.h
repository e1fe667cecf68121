/* SPDX-License-Identifier: MIT */
/* list.h - a circular doubly linked list whose links live inside the things that are listed. */

#ifndef SP_BASE_LIST_H
#define SP_BASE_LIST_H

#include <stdbool.h>

#include "base/cleanup.h"

/* A list's head and its members' links alike. An unlisted member links to itself. */
struct sp_list {
    struct sp_list *prev;
    struct sp_list *next;
};

static inline void sp_list_init(struct sp_list *list) {
    list->prev = list;
    list->next = list;
}

/* Of a head: nothing is listed. Of a member: it is on no list. */
static inline bool sp_list_is_empty(const struct sp_list *list) {
    return list->next == list;
}

static inline void sp_list_append(struct sp_list *list, struct sp_list *member) {
    member->prev = list->prev;
    member->next = list;
    list->prev->next = member;
    list->prev = member;
}

/* Legal for members that are on no list, too. */
static inline void sp_list_remove(struct sp_list *member) {
    member->prev->next = member->next;
    member->next->prev = member->prev;
    sp_list_init(member);
}

/* Takes the first member off and returns it, or NULL. */
static inline struct sp_list *sp_list_pop(struct sp_list *list) {
    struct sp_list *first = list->next;

    if (first == list) {
        return NULL;
    }
    sp_list_remove(first);
    return first;
}

/* Moves all members of `from`, in their order, before those of `list`. */
static inline void sp_list_prepend_all(struct sp_list *list, struct sp_list *from) {
    if (sp_list_is_empty(from)) {
        return;
    }
    from->prev->next = list->next;
    list->next->prev = from->prev;
    from->next->prev = list;
    list->next = from->next;
    sp_list_init(from);
}

#endif
