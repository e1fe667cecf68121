/* SPDX-License-Identifier: MIT */
/* heap.c - a pairing heap of nodes that live inside their owners: nothing in it can fail. */

#include "base/heap.h"

#include <stddef.h>

#include "base/cleanup.h"

/* Makes one tree of two whose roots have no siblings and returns its root. */
static struct sp_heap_node *meld(struct sp_heap_node *a, struct sp_heap_node *b) {
    if (b->key < a->key) {
        struct sp_heap_node *smaller = b;

        b = a;
        a = smaller;
    }
    b->next = a->child;
    if (a->child) {
        a->child->prev = b;
    }
    b->prev = a;
    a->child = b;
    return a;
}

/* Makes one tree of siblings: in pairs from the left, then the pairs from the right. */
static struct sp_heap_node *meld_siblings(struct sp_heap_node *first) {
    struct sp_heap_node *pairs = NULL, *root = NULL;

    while (first) {
        struct sp_heap_node *a = first, *b = a->next;

        first = b ? b->next : NULL;
        if (b) {
            b->next = NULL;
            a->next = NULL;
            a = meld(a, b);
        }
        a->next = pairs;
        pairs = a;
    }
    while (pairs) {
        struct sp_heap_node *next = pairs->next;

        pairs->next = NULL;
        root = root ? meld(root, pairs) : pairs;
        pairs = next;
    }
    if (root) {
        root->prev = NULL;
    }
    return root;
}

void sp_heap_insert(struct sp_heap *heap, struct sp_heap_node *node, uint64_t key) {
    sp_assert(!sp_heap_has(node) && key != SP_HEAP_NONE);
    *node = (struct sp_heap_node){.key = key};
    heap->root = heap->root ? meld(heap->root, node) : node;
}

void sp_heap_remove(struct sp_heap *heap, struct sp_heap_node *node) {
    struct sp_heap_node *orphans;

    if (!sp_heap_has(node)) {
        return;
    }

    orphans = meld_siblings(node->child);
    if (node == heap->root) {
        heap->root = orphans;
    } else {
        if (node->prev->child == node) {
            node->prev->child = node->next;
        } else {
            node->prev->next = node->next;
        }
        if (node->next) {
            node->next->prev = node->prev;
        }
        if (orphans) {
            heap->root = meld(heap->root, orphans);
        }
    }
    sp_heap_node_init(node);
}
