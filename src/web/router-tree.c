/* SPDX-License-Identifier: MIT */
/* router-tree.c - all patterns of a router in one tree, and walking it along a path. */

#include "web/router-tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* ---- growing --------------------------------------------------------------------------------- */

static unsigned char fold(char c) {
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static uint64_t add_hash(uint64_t hash, struct sp_slice text, bool folds) {
    for (size_t i = 0; i < text.size; i++) {
        hash = (hash ^ (folds ? fold(text.data[i]) : (unsigned char)text.data[i])) * 0x100000001b3;
    }
    return (hash ^ text.size) * 0x100000001b3;
}

/* The same for segments that are so: sp_segment_is_same(). */
static uint64_t add_segment(uint64_t hash, const struct sp_segment *segment, bool folds) {
    hash = add_hash(hash, segment->text, folds);
    for (size_t i = 0; i < segment->n_params; i++) {
        const struct sp_constraint *constraint = segment->params[i].constraint;

        hash = add_hash(hash, segment->params[i].text, folds);
        hash = constraint ? add_hash(hash, constraint->source, false) : hash;
    }
    return hash ^ hash >> 32;
}

/* Room for one more: there are no more nodes than places. */
static int grow_index(struct sp_tree *tree) {
    size_t n = tree->n_index ? 2 * tree->n_index : 16;
    struct sp_node **index;

    if (tree->n_nodes < tree->n_index) {
        return 0;
    }
    index = sp_arena_alloc(tree->arena, n * sizeof(struct sp_node *));
    if (!index) {
        return -ENOMEM;
    }
    memset(index, 0, n * sizeof(struct sp_node *));
    for (size_t i = 0; i < tree->n_index; i++) {
        for (struct sp_node *node = tree->index[i], *next; node; node = next) {
            struct sp_node **place = &index[node->hash & (n - 1)];

            next = node->chain;
            node->chain = *place;
            *place = node;
        }
    }
    tree->index = index;
    tree->n_index = n;
    return 0;
}

/* The child by that segment, which may be new. Those with parameters are put in order at the end.
 */
static struct sp_node *child(struct sp_tree *tree, struct sp_node *parent,
                             const struct sp_segment *segment) {
    struct sp_node **list = segment->n_params == 0 ? &parent->added : &parent->params, **place;
    uint64_t hash = add_segment((uintptr_t)parent, segment, tree->folds);
    struct sp_node *node;

    if (grow_index(tree) < 0) {
        return NULL;
    }
    place = &tree->index[hash & (tree->n_index - 1)];
    for (node = *place; node; node = node->chain) {
        if (node->hash == hash && node->parent == parent &&
            sp_segment_is_same(node->segment, segment, tree->folds)) {
            return node;
        }
    }
    node =
        parent->n_segments < SP_TREE_MAX_DEPTH ? sp_arena_alloc(tree->arena, sizeof(*node)) : NULL;
    if (!node) {
        return NULL;
    }
    *node = (struct sp_node){.next = *list,
                             .segment = segment,
                             .n_segments = parent->n_segments + 1,
                             .parent = parent,
                             .chain = *place,
                             .hash = hash,
                             .order = tree->n_nodes++};
    *list = *place = node;
    parent->n_literals += segment->n_params == 0;
    return node;
}

struct sp_node *sp_tree_descend(struct sp_tree *tree, struct sp_node *node,
                                const struct sp_segment *segments, size_t n_segments) {
    for (size_t i = 0; node && i < n_segments; i++) {
        node = child(tree, node, &segments[i]);
    }
    return node;
}

static bool is_same_wild(const struct sp_tree *tree, const struct sp_wild *a,
                         const struct sp_wild *b) {
    if (a->hash != b->hash || a->n_segments != b->n_segments || a->is_trimmed != b->is_trimmed) {
        return false;
    }
    for (size_t i = 0; i < a->n_segments; i++) {
        if (!sp_segment_is_same(&a->segments[i], &b->segments[i], tree->folds)) {
            return false;
        }
    }
    return true;
}

static bool says_more(const struct sp_wild *a, const struct sp_wild *b) {
    return a->n_segments != b->n_segments ? a->n_segments > b->n_segments : a->n_text > b->n_text;
}

/* The wildcard of `pattern` below `node`; a new one goes before those that say less. */
static struct sp_wild *wild_child(struct sp_tree *tree, struct sp_node *node,
                                  const struct sp_pattern *pattern) {
    const struct sp_segment *segments = &pattern->segments[pattern->wild];
    struct sp_wild **list = &node->wilds, **place = NULL, *wild;
    struct sp_wild wanted = {.segments = segments,
                             .n_segments = pattern->n_segments - pattern->wild};

    for (size_t i = 0; i < wanted.n_segments; i++) {
        wanted.n_params += segments[i].n_params;
        wanted.n_text += sp_segment_n_text(&segments[i]);
        wanted.hash = add_segment(wanted.hash, &segments[i], tree->folds);
    }
    wanted.is_trimmed = wanted.n_segments > 1 || segments[0].params[0].text.size > 0 ||
                        (tree->is_strict && pattern->ends_in_slash);
    for (; *list; list = &(*list)->next) {
        if (is_same_wild(tree, *list, &wanted)) {
            return *list;
        }
        if (!place && says_more(&wanted, *list)) {
            place = list;
        }
    }
    place = place ? place : list;
    wild = sp_arena_alloc(tree->arena, sizeof(*wild));
    if (wild) {
        wanted.next = *place;
        *wild = wanted;
        *place = wild;
    }
    return wild;
}

int sp_tree_add(struct sp_tree *tree, struct sp_node *node, const struct sp_pattern *pattern,
                struct sp_endpoint *endpoint, const struct sp_endpoint **ret_first) {
    struct sp_wild *wild = NULL;
    struct sp_endpoint **list;

    node = sp_tree_descend(tree, node, pattern->segments, pattern->wild);
    if (node && pattern->wild < pattern->n_segments) {
        wild = wild_child(tree, node, pattern);
        node = wild ? node : NULL;
    }
    if (!node) {
        return -ENOMEM;
    }
    list = wild ? &wild->endpoints : &node->endpoints;
    while (*list) {
        list = &(*list)->next;
    }
    *list = endpoint;
    endpoint->next = NULL;
    *ret_first = wild ? wild->endpoints : node->endpoints;
    return 0;
}

void sp_node_add_mark(struct sp_node *node, struct sp_mark *mark) {
    struct sp_mark **list = &node->marks;

    while (*list) {
        list = &(*list)->next;
    }
    *list = mark;
    mark->next = NULL;
    mark->n_segments = node->n_segments;
}

/* ---- literals -------------------------------------------------------------------------------- */

static int compare_folded(const char *a, const char *b, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (fold(a[i]) != fold(b[i])) {
            return fold(a[i]) < fold(b[i]) ? -1 : 1;
        }
    }
    return 0;
}

/* The shorter one first, then by what is quick to compare, and by bytes last. */
static int compare(const struct sp_literal *a, const struct sp_literal *b, bool folds) {
    if (a->size != b->size) {
        return a->size < b->size ? -1 : 1;
    }
    if (a->word != b->word) {
        return a->word < b->word ? -1 : 1;
    }
    if (sp_unlikely(folds)) {
        return compare_folded(a->text, b->text, a->size);
    }
    return a->size <= 8 ? 0 : memcmp(a->text, b->text, a->size);
}

static int compare_literals(const void *a, const void *b, void *folds) {
    return compare(a, b, folds != NULL);
}

static struct sp_literal literal(const char *text, size_t size, bool folds) {
    return (struct sp_literal){
        .size = size, .word = folds ? 0 : sp_text_word(text, size), .text = text};
}

static int compare_params(const void *a, const void *b) {
    const struct sp_node *first = *(struct sp_node *const *)a,
                         *second = *(struct sp_node *const *)b;
    int order = sp_segment_compare(first->segment, second->segment);

    return order != 0 ? order : first->order < second->order ? -1 : 1;
}

/* Those that say more first, and equals as they were added. */
static int sort_params(struct sp_tree *tree, struct sp_node *parent) {
    struct sp_node **sorted, **list = &parent->params;
    size_t n = 0;

    for (const struct sp_node *each = parent->params; each; each = each->next) {
        n++;
    }
    sorted = sp_arena_alloc(tree->arena, n * sizeof(struct sp_node *));
    if (!sorted) {
        return -ENOMEM;
    }
    n = 0;
    for (struct sp_node *each = parent->params; each; each = each->next) {
        sorted[n++] = each;
    }
    qsort(sorted, n, sizeof(struct sp_node *), compare_params);
    for (size_t i = 0; i < n; i++) {
        *list = sorted[i];
        list = &sorted[i]->next;
    }
    *list = NULL;
    return 0;
}

static int freeze_node(struct sp_tree *tree, struct sp_node *node) {
    struct sp_literal *literals = sp_arena_alloc(tree->arena, node->n_literals * sizeof(*literals));
    size_t n = 0;

    if (!literals || sort_params(tree, node) < 0) {
        return -ENOMEM;
    }
    for (struct sp_node *each = node->added; each; each = each->next) {
        literals[n] = literal(each->segment->text.data, each->segment->text.size, tree->folds);
        literals[n++].node = each;
    }
    node->literals = literals;
    qsort_r(literals, n, sizeof(*literals), compare_literals, tree->folds ? tree : NULL);
    for (size_t i = 0; i < n; i++) {
        if (freeze_node(tree, literals[i].node) < 0) {
            return -ENOMEM;
        }
    }
    for (struct sp_node *each = node->params; each; each = each->next) {
        if (freeze_node(tree, each) < 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

static const struct sp_node *find_literal(const struct sp_walk *walk, const struct sp_node *node,
                                          const char *text, size_t size) {
    const struct sp_literal wanted = literal(text, size, walk->folds);
    size_t low = 0, high = node->n_literals;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare(&wanted, &node->literals[middle], walk->folds);

        if (order == 0) {
            return node->literals[middle].node;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

/* ---- paths without parameters ---------------------------------------------------------------- */

static size_t count_exact(const struct sp_node *node) {
    size_t n = node->endpoints != NULL;

    for (size_t i = 0; i < node->n_literals; i++) {
        n += count_exact(node->literals[i].node);
    }
    return n;
}

/* `path`: of the node. */
static int put_exact(struct sp_tree *tree, const struct sp_node *node, const char *path,
                     size_t size) {
    if (node->endpoints && !memchr(path, '%', size)) {
        const char *whole = size > 0 ? path : "/";
        size_t n_whole = size > 0 ? size : 1;

        *sp_tree_place(tree, whole, n_whole) =
            (struct sp_exact){sp_path_hash(whole, n_whole), n_whole, whole, node->endpoints};
    }
    for (size_t i = 0; i < node->n_literals; i++) {
        const struct sp_literal *literal = &node->literals[i];
        char *longer = sp_arena_alloc(tree->arena, size + 1 + literal->size);

        if (!longer) {
            return -ENOMEM;
        }
        memcpy(longer, path, size);
        longer[size] = '/';
        memcpy(longer + size + 1, literal->text, literal->size);
        if (put_exact(tree, literal->node, longer, size + 1 + literal->size) < 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

int sp_tree_freeze(struct sp_tree *tree) {
    size_t n = 4;
    int r = freeze_node(tree, &tree->root);

    if (r < 0) {
        return r;
    }
    while (n < 2 * count_exact(&tree->root)) {
        n *= 2;
    }
    tree->exact = sp_arena_alloc(tree->arena, n * sizeof(*tree->exact));
    if (!tree->exact) {
        return -ENOMEM;
    }
    memset(tree->exact, 0, n * sizeof(*tree->exact));
    tree->exact_mask = n - 1;
    return tree->folds ? 0 : put_exact(tree, &tree->root, "", 0);
}

/* ---- walking --------------------------------------------------------------------------------- */

/* The segments behind a wildcard, from the path's end. Returns the separator before them, or NULL.
 */
static const char *fit_behind(struct sp_walk *walk, const struct sp_wild *wild, const char *begin,
                              const char *end, struct sp_slice *values) {
    for (size_t i = wild->n_segments; i-- > 1;) {
        const struct sp_segment *segment = &wild->segments[i];
        const char *mark = memrchr(begin, walk->separator, (size_t)(end - begin));
        size_t size = mark ? (size_t)(end - mark) - 1 : 0;

        walk->n_steps++;
        if (size == 0) {
            return NULL;
        }
        values -= segment->n_params;
        if (segment->n_params == 0
                ? size != segment->text.size ||
                      !sp_text_is(mark + 1, segment->text.data, size, walk->folds)
                : !sp_segment_fits(segment, mark + 1, size, walk->folds, values)) {
            return NULL;
        }
        end = mark;
    }
    return end;
}

/* The wildcard's own text stands around what it takes, which may hold separators. */
static bool fit_wild(struct sp_walk *walk, const struct sp_wild *wild, const char *begin) {
    struct sp_slice before = wild->segments[0].text, after = wild->segments[0].params[0].text;
    struct sp_slice *values = &walk->values[walk->n_values];
    const char *end = walk->end;
    bool has_slash = false, is_taken;

    if (wild->is_trimmed && end - begin > 1 && end[-1] == walk->separator) {
        has_slash = true;
        end--;
    }
    end = fit_behind(walk, wild, begin, end, values + wild->n_params);
    if (!end || (size_t)(end - begin) <= before.size + after.size ||
        !sp_text_is(begin, before.data, before.size, walk->folds) ||
        !sp_text_is(end - after.size, after.data, after.size, walk->folds)) {
        return false;
    }
    begin += before.size;
    values[0] = (struct sp_slice){begin, (size_t)(end - after.size - begin)};
    walk->n_values += wild->n_params;
    is_taken = walk->offer(walk, wild->endpoints, has_slash);
    walk->n_values -= is_taken ? 0 : wild->n_params;
    return is_taken;
}

static bool visit(struct sp_walk *walk, const struct sp_node *node, const char *at);

static bool visit_params(struct sp_walk *walk, const struct sp_node *node, const char *text,
                         size_t size) {
    for (const struct sp_node *each = node->params; each; each = each->next) {
        size_t n_params = each->segment->n_params;

        walk->n_steps++;
        if (sp_segment_fits(each->segment, text, size, walk->folds,
                            &walk->values[walk->n_values])) {
            walk->n_values += n_params;
            if (visit(walk, each, text + size)) {
                return true;
            }
            walk->n_values -= n_params;
        }
    }
    return false;
}

/* `at`: a separator, or the path's end. As deep as the tree, which the program made. */
static bool visit(struct sp_walk *walk, const struct sp_node *node, const char *at) {
    const struct sp_node *next;
    const char *text, *stop;
    size_t size;

    walk->n_steps++;
    if (node->marks && walk->pass) {
        walk->pass(walk, node->marks);
    }
    if (walk->end - at < 2) {
        return node->endpoints && walk->offer(walk, node->endpoints, at < walk->end);
    }
    text = at + 1;
    stop = memchr(text, walk->separator, (size_t)(walk->end - text));
    size = (size_t)((stop ? stop : walk->end) - text);
    if (size > 0) {
        next = find_literal(walk, node, text, size);
        if ((next && visit(walk, next, text + size)) || visit_params(walk, node, text, size)) {
            return true;
        }
    }
    for (const struct sp_wild *wild = node->wilds; wild; wild = wild->next) {
        walk->n_steps++;
        if (fit_wild(walk, wild, text)) {
            return true;
        }
    }
    return false;
}

bool sp_tree_walk(const struct sp_tree *tree, struct sp_walk *walk, const char *path, size_t size) {
    walk->folds = tree->folds;
    walk->end = path + size;
    walk->n_values = 0;
    walk->n_steps = 0;
    return visit(walk, &tree->root, path);
}
