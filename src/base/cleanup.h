/* SPDX-License-Identifier: MIT */
/* cleanup.h - the cleanup attribute and the small macros the whole library is written with. */

#ifndef SP_BASE_CLEANUP_H
#define SP_BASE_CLEANUP_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* Runs `f(&variable)` when the variable leaves its scope. */
#define _cleanup_(f)     __attribute__((cleanup(f)))

#define SP_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define sp_container_of(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void sp_freep(void *pointer) {
    free(*(void **)pointer);
}

/* Hands a pointer out of a variable that would free it: `return sp_take_ptr(&x)`. */
#define sp_take_ptr(p)                  \
    ({                                  \
        __typeof__(*(p)) _taken = *(p); \
        *(p) = NULL;                    \
        _taken;                         \
    })

/*
 * For our own bugs only, kept in release builds: never for what a peer, the kernel, the file system
 * or the caller can cause.
 */
#define sp_assert(condition)                                                         \
    do {                                                                             \
        if (__builtin_expect(!(condition), 0)) {                                     \
            fprintf(stderr, "sunpath: %s:%d: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                 \
        }                                                                            \
    } while (0)

#define sp_likely(x)   __builtin_expect(!!(x), 1)
#define sp_unlikely(x) __builtin_expect(!!(x), 0)

/* Kept out of its caller, whose short cut need not save registers for it then. */
#define sp_noinline __attribute__((noinline))

#endif
