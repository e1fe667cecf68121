/* SPDX-License-Identifier: MIT */
/* test-heap.c - the pairing heap against a plain sorted list. */

#include "base/heap.h"

#include <stdlib.h>

#include "fixture.h"

#define N_NODES 500

static int ascending(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

static uint64_t pop(struct sp_heap *heap) {
    uint64_t key = sp_heap_first(heap);

    sp_heap_remove(heap, heap->root);
    return key;
}

START_TEST(an_empty_heap_has_no_first) {
    struct sp_heap heap = {0};
    struct sp_heap_node node;

    sp_heap_node_init(&node);
    ck_assert(sp_heap_first(&heap) == SP_HEAP_NONE);
    ck_assert(!sp_heap_has(&node));
    sp_heap_remove(&heap, &node); /* in no heap: nothing happens */
    sp_heap_insert(&heap, &node, 7);
    ck_assert(sp_heap_has(&node) && sp_heap_first(&heap) == 7);
    sp_heap_remove(&heap, &node);
    ck_assert(!sp_heap_has(&node) && !heap.root);
}
END_TEST

START_TEST(keys_come_out_in_order) {
    static struct sp_heap_node nodes[N_NODES];
    uint64_t keys[N_NODES];
    struct sp_heap heap = {0};

    srandom(1);
    for (int i = 0; i < N_NODES; i++) {
        keys[i] = (uint64_t)random() % 200; /* with many equal ones */
        sp_heap_node_init(&nodes[i]);
        sp_heap_insert(&heap, &nodes[i], keys[i]);
    }
    qsort(keys, N_NODES, sizeof(keys[0]), ascending);
    for (int i = 0; i < N_NODES; i++) {
        ck_assert_uint_eq(pop(&heap), keys[i]);
    }
    ck_assert_ptr_null(heap.root);
}
END_TEST

static uint64_t smallest(const struct sp_heap_node *nodes) {
    uint64_t least = SP_HEAP_NONE;

    for (int i = 0; i < N_NODES; i++) {
        least = nodes[i].key < least ? nodes[i].key : least;
    }
    return least;
}

START_TEST(any_node_can_be_removed) {
    static struct sp_heap_node nodes[N_NODES];
    struct sp_heap heap = {0};

    srandom(2);
    for (int i = 0; i < N_NODES; i++) {
        sp_heap_node_init(&nodes[i]);
    }
    for (int i = 0; i < 20000; i++) {
        struct sp_heap_node *node = &nodes[random() % N_NODES];

        if (sp_heap_has(node)) {
            sp_heap_remove(&heap, node);
        } else {
            sp_heap_insert(&heap, node, (uint64_t)random());
        }
        ck_assert(sp_heap_first(&heap) == smallest(nodes));
    }
}
END_TEST

SP_TESTS("heap", an_empty_heap_has_no_first, keys_come_out_in_order, any_node_can_be_removed)
