/* SPDX-License-Identifier: MIT */
/*
 * fuzz-router.c - any bytes as routes and paths, and all routes in one tree against each in its
 * own. The first byte has the options; a line for each pattern, an empty one, a line for each path.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "web/router-tree.h"

#define MAX_ROUTES 12

struct place {
    struct sp_endpoint endpoint;
    struct sp_slice values[SP_PATTERN_MAX_PARAMS]; /* of the last walk that came here */
    size_t n_values;
    size_t route;
};

struct route {
    struct sp_pattern *alternatives;
    struct sp_tree alone;
};

struct garden {
    struct sp_arena arena;
    struct sp_tree tree;
    struct route routes[MAX_ROUTES];
    size_t n_routes;
    size_t n_steps; /* more than any walk may take */
};

static struct place *place_of(const struct sp_endpoint *endpoint) {
    return sp_container_of((struct sp_endpoint *)(uintptr_t)endpoint, struct place, endpoint);
}

/* ---- growing --------------------------------------------------------------------------------- */

/* What the segments say is never more than was written, and lies in memory that lives. */
static void check_pattern(const struct sp_pattern *pattern, size_t size) {
    size_t n_text = 0, n_params = 0;

    sp_assert(pattern->n_segments <= SP_PATTERN_MAX_SEGMENTS);
    sp_assert(pattern->wild <= pattern->n_segments);
    for (size_t i = 0; i < pattern->n_segments; i++) {
        const struct sp_segment *segment = &pattern->segments[i];

        n_text += 1 + sp_segment_n_text(segment);
        n_params += segment->n_params;
        sp_assert(segment->is_wild == (i == pattern->wild));
        sp_assert(sp_segment_is_same(segment, segment, false));
        sp_assert(sp_segment_compare(segment, segment) == 0);
        for (size_t j = 0; j < segment->n_params; j++) {
            n_text += 1 + segment->params[j].name.size;
            sp_assert(segment->params[j].name.size > 0);
        }
    }
    sp_assert(n_params == pattern->n_params && n_params <= SP_PATTERN_MAX_PARAMS);
    sp_assert(n_text <= size);
}

static void plant(struct garden *garden, struct sp_tree *tree, const struct sp_pattern *pattern,
                  size_t route) {
    struct place *place = sp_arena_alloc(&garden->arena, sizeof(*place));
    const struct sp_endpoint *first;

    sp_assert(place);
    *place = (struct place){.route = route};
    if (tree->is_strict && pattern->n_segments > 0) {
        place->endpoint.slash = pattern->ends_in_slash ? SP_SLASH_YES : SP_SLASH_NO;
    }
    sp_assert(sp_tree_add(tree, &tree->root, pattern, &place->endpoint, &first) == 0);
    sp_assert(first);
}

static void add_route(struct garden *garden, const char *line, size_t size) {
    char *text = sp_arena_copy(&garden->arena, line, size);
    struct route *route = &garden->routes[garden->n_routes];
    struct sunpath_error error = {0};

    sp_assert(text);
    if (sp_pattern_parse(&route->alternatives, &garden->arena, text, text, &error) < 0) {
        sp_assert(error.code == -22 && error.text[0]);
        return;
    }
    route->alone = garden->tree;
    memset(&route->alone.root, 0, sizeof(route->alone.root));
    garden->n_routes++;
}

static void plant_all(struct garden *garden) {
    for (size_t i = 0; i < garden->n_routes; i++) {
        struct route *route = &garden->routes[i];

        for (const struct sp_pattern *each = route->alternatives; each; each = each->next) {
            check_pattern(each, SP_PATTERN_MAX);
            plant(garden, &garden->tree, each, i);
            plant(garden, &route->alone, each, i);
            garden->n_steps += 2 * each->n_segments + 2;
        }
        sp_assert(sp_tree_freeze(&route->alone) == 0);
    }
    sp_assert(sp_tree_freeze(&garden->tree) == 0);
}

/* ---- walking --------------------------------------------------------------------------------- */

struct lookup {
    struct sp_walk walk;
    const struct place *place;
};

static bool offer(struct sp_walk *walk, const struct sp_endpoint *first, bool has_slash) {
    struct place *place;

    for (; first && !sp_endpoint_takes_slash(first, has_slash); first = first->next) {
    }
    if (!first) {
        return false;
    }
    place = place_of(first);
    place->n_values = walk->n_values;
    memcpy(place->values, walk->values, walk->n_values * sizeof(*walk->values));
    sp_container_of(walk, struct lookup, walk)->place = place;
    return true;
}

static const struct place *find(const struct garden *garden, const struct sp_tree *tree,
                                const char *path, size_t size, char separator) {
    struct lookup lookup = {.walk = {.separator = separator, .offer = offer}};

    if (!sp_tree_walk(tree, &lookup.walk, path, size)) {
        lookup.place = NULL;
    }
    sp_assert(lookup.walk.n_steps <= garden->n_steps + 1);
    return lookup.place;
}

static void check_values(const struct place *place, const char *path, size_t size) {
    for (size_t i = 0; i < place->n_values; i++) {
        struct sp_slice value = place->values[i];

        sp_assert(value.size > 0);
        sp_assert(value.data > path && value.data + value.size <= path + size);
    }
}

/* Of several alternatives that say as much, what else is in the tree may put another one first. */
static void check_same(const struct garden *garden, const struct place *found,
                       const struct place *alone) {
    if (garden->routes[found->route].alternatives->next) {
        return;
    }
    sp_assert(alone->n_values == found->n_values);
    for (size_t i = 0; i < found->n_values; i++) {
        sp_assert(alone->values[i].data == found->values[i].data);
        sp_assert(alone->values[i].size == found->values[i].size);
    }
}

/* A path fits when it fits a route by itself, and then takes what that route would. */
static void walk(const struct garden *garden, const char *path, size_t size, char separator) {
    const struct place *found = find(garden, &garden->tree, path, size, separator);
    bool is_fit = false;

    if (found) {
        check_values(found, path, size);
    }
    for (size_t i = 0; i < garden->n_routes; i++) {
        const struct place *alone = find(garden, &garden->routes[i].alone, path, size, separator);

        is_fit = is_fit || alone;
        if (found && found->route == i) {
            sp_assert(alone);
            check_same(garden, found, alone);
        }
    }
    sp_assert(is_fit == (found != NULL));
}

/* The short way leads where the long one does. */
static void check_exact(const struct garden *garden, const char *path, size_t size) {
    const struct sp_endpoint *exact = sp_tree_find(&garden->tree, path, size);

    if (exact && exact->slash != SP_SLASH_YES) {
        const struct place *found = find(garden, &garden->tree, path, size, '/');

        sp_assert(found == place_of(exact));
    }
}

static void try_path(const struct garden *garden, const char *line, size_t size) {
    char *path = malloc(size), *room = malloc(size + 1);
    ssize_t n;

    sp_assert(path && room);
    memcpy(path, line, size);
    check_exact(garden, path, size);
    walk(garden, path, size, '/');
    n = sp_path_decode(room, path, size);
    sp_assert(n == -22 || (n > 0 && (size_t)n <= size && room[0] == '\0'));
    if (n > 0) {
        walk(garden, room, (size_t)n, '\0');
    }
    free(path);
    free(room);
}

/* ---- input ----------------------------------------------------------------------------------- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *at = (const char *)data + 1, *end = (const char *)data + size;
    struct garden garden = {0};
    bool is_planted = false;

    if (size == 0) {
        return 0;
    }
    garden.tree =
        (struct sp_tree){.arena = &garden.arena, .folds = data[0] & 1, .is_strict = data[0] & 2};
    while (at < end) {
        const char *mark = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((mark ? mark : end) - at);

        if (!is_planted && n == 0) {
            plant_all(&garden);
            is_planted = true;
        } else if (!is_planted && garden.n_routes < MAX_ROUTES) {
            add_route(&garden, at, n);
        } else if (is_planted && n > 0 && *at == '/') {
            try_path(&garden, at, n);
        }
        at += n + 1;
    }
    sp_arena_deinit(&garden.arena);
    return 0;
}
