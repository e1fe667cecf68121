/* SPDX-License-Identifier: MIT */
/* fixture.h - what every C test stands on: a private directory, no leaked descriptors, a main(). */

#ifndef TESTS_FIXTURE_H
#define TESTS_FIXTURE_H

#include <check.h>
#include <stdbool.h>

/*
 * A test file ends with
 *
 *     SP_TESTS("subject", a_test, another_test)
 *
 * Every test runs in its own process, in a private empty directory below /tmp that is also the
 * working directory and is removed afterwards, and fails when it leaves a descriptor open that it
 * did not find open.
 */
#define SP_TESTS(subject, ...)                                                       \
    int main(void) {                                                                 \
        const TTest *const tests[] = {__VA_ARGS__};                                  \
        return fixture_run(subject, tests, sizeof(tests) / sizeof(tests[0]), false); \
    }

/*
 * The same for what publishes sockets, which is done in another way below /tmp: every test runs a
 * second time, below /run (root) or $XDG_RUNTIME_DIR (if there is one).
 */
#define SP_TESTS_EVERYWHERE(subject, ...)                                           \
    int main(void) {                                                                \
        const TTest *const tests[] = {__VA_ARGS__};                                 \
        return fixture_run(subject, tests, sizeof(tests) / sizeof(tests[0]), true); \
    }

int fixture_run(const char *subject, const TTest *const *tests, size_t n_tests, bool everywhere);

/* Is the private directory below one that is cleaned by age? Then sockets are bound in place. */
bool fixture_is_cleaned(void);

/* The private directory of the running test, absolute. */
const char *fixture_dir(void);

/* "<dir>/<name>", valid until the 16th next call. */
const char *fixture_path(const char *name);

/* Open descriptors of this process. */
int fixture_n_fds(void);

#endif
