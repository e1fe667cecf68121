/* SPDX-License-Identifier: MIT */
/* heap.h - a pairing heap of nodes that live inside their owners: nothing in it can fail. */

#ifndef SP_BASE_HEAP_H
#define SP_BASE_HEAP_H

#include <stdbool.h>
#include <stdint.h>

#define SP_HEAP_NONE UINT64_MAX /* the key of a node that is in no heap */

struct sp_heap_node {
    uint64_t key;
    struct sp_heap_node *child; /* the first */
    struct sp_heap_node *next;  /* sibling */
    struct sp_heap_node *prev;  /* sibling, or the parent of a first child */
};

struct sp_heap {
    struct sp_heap_node *root; /* the smallest key, or NULL */
};

static inline void sp_heap_node_init(struct sp_heap_node *node) {
    *node = (struct sp_heap_node){.key = SP_HEAP_NONE};
}

static inline bool sp_heap_has(const struct sp_heap_node *node) {
    return node->key != SP_HEAP_NONE;
}

/* The smallest key, SP_HEAP_NONE when the heap is empty. */
static inline uint64_t sp_heap_first(const struct sp_heap *heap) {
    return heap->root ? heap->root->key : SP_HEAP_NONE;
}

/* The node must be in no heap; `key` is less than SP_HEAP_NONE. */
void sp_heap_insert(struct sp_heap *heap, struct sp_heap_node *node, uint64_t key);

/* Legal for nodes that are in no heap, too. */
void sp_heap_remove(struct sp_heap *heap, struct sp_heap_node *node);

#endif
