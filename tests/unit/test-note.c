/* SPDX-License-Identifier: MIT */
/* test-note.c - what a notification says, and what none may say. */

#include "sock/note.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

static struct sunpath_notify_options nothing(void) {
    return SUNPATH_OPTIONS(struct sunpath_notify_options);
}

static void says(const char *state, const struct sunpath_notify_options *options,
                 const char *expected) {
    struct sunpath_error error = {0};
    struct sp_note note = {.error = &error};
    int r = sp_note_compose(&note, state, options);

    ck_assert_msg(r == 0, "%s", error.text);
    ck_assert_uint_eq(note.size, strlen(expected));
    ck_assert_mem_eq(note.text, expected, note.size);
}

static void fails(const char *state, const struct sunpath_notify_options *options, int code,
                  const char *why) {
    struct sunpath_error error = {0};
    struct sp_note note = {.error = &error};

    ck_assert_int_eq(sp_note_compose(&note, state, options), code);
    ck_assert_msg(strstr(error.text, why) != NULL, "'%s' does not say '%s'", error.text, why);
}

START_TEST(states_and_options_make_lines) {
    struct sunpath_notify_options options = nothing();
    int fds[] = {0, 1};

    says("READY=1", &options, "READY=1");
    says("READY=1\n\nX_FOO_2=bar baz\n", &options, "READY=1\nX_FOO_2=bar baz");
    says("STATUS=", &options, "STATUS=");
    options.status = "gr\xc3\xbc\xc3\x9f dich = \\o/";
    options.error_number = -ENOENT;
    options.main_pid = 4711;
    says("READY=1", &options,
         "READY=1\nSTATUS=gr\xc3\xbc\xc3\x9f dich = \\o/\nERRNO=2\nMAINPID=4711");
    options = nothing();
    options.error_number = EACCES;
    says(NULL, &options, "ERRNO=13");
    options = nothing();
    options.fds = fds;
    options.n_fds = 2;
    says(NULL, &options, "FDSTORE=1");
    options.fd_name = "web";
    says(NULL, &options, "FDSTORE=1\nFDNAME=web");
    says("FDPOLL=0\nFDSTORE=1", &options, "FDPOLL=0\nFDSTORE=1\nFDNAME=web");
    options.n_fds = 0;
    says("FDSTOREREMOVE=1", &options, "FDSTOREREMOVE=1\nFDNAME=web");
}
END_TEST

START_TEST(reloading_says_when) {
    struct sunpath_notify_options options = nothing();
    struct sp_note note = {.size = 0};

    ck_assert_int_eq(sp_note_compose(&note, "RELOADING=1", &options), 0);
    ck_assert_uint_gt(note.size, 30);
    ck_assert_mem_eq(note.text, "RELOADING=1\nMONOTONIC_USEC=", 27);
    says("RELOADING=1\nMONOTONIC_USEC=5", &options, "RELOADING=1\nMONOTONIC_USEC=5");
}
END_TEST

START_TEST(no_line_can_be_smuggled_in) {
    struct sunpath_notify_options options = nothing();

    options.status = "fine\nMAINPID=1";
    fails("READY=1", &options, -EINVAL, "STATUS': its value holds a newline");
    options.status = "bell\a";
    fails(NULL, &options, -EINVAL, "control character");
    options.status = "\xff";
    fails(NULL, &options, -EINVAL, "not UTF-8");
    options = nothing();
    options.fd_name = "a\nb";
    fails("FDSTOREREMOVE=1", &options, -EINVAL, "no ':'");
}
END_TEST

START_TEST(nonsense_is_refused) {
    static const char *const lines[] = {"READY",    "=1",       "ready=1",     "1READY=1",
                                        "RE ADY=1", " READY=1", "READY=1\nfoo"};
    struct sunpath_notify_options options = nothing();

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        fails(lines[i], &options, -EINVAL, "not KEY=VALUE");
    }
    fails(NULL, &options, -EINVAL, "nothing is said");
    fails("\n", &options, -EINVAL, "nothing is said");
    fails("A=1\nA=2", &options, -EINVAL, "twice");
    fails("AB=1\nA=2\nAB=3", &options, -EINVAL, "'AB': it is said twice");
    fails("BARRIER=1", &options, -EINVAL, "sunpath_notify_barrier");
    options.status = "x";
    fails("STATUS=y", &options, -EINVAL, "twice");
    options = nothing();
    options.main_pid = -1;
    fails(NULL, &options, -EINVAL, "no such process");
}
END_TEST

START_TEST(descriptors_and_names_belong_together) {
    static const char *const names[] = {"", "a:b", "gr\xc3\xbc", "a\x7f"};
    struct sunpath_notify_options options = nothing();
    char name[257];
    int fds[300] = {0};

    fails("FDSTORE=1", &options, -EINVAL, "no descriptor");
    options.n_fds = 1;
    fails(NULL, &options, -EINVAL, "their array");
    options.fds = fds;
    options.n_fds = 254;
    fails(NULL, &options, -EINVAL, "at most 253");
    options = nothing();
    options.fd_name = "web";
    fails("READY=1", &options, -EINVAL, "a name without descriptors");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        options.fd_name = names[i];
        fails("FDSTOREREMOVE=1", &options, -EINVAL, "1 to 255");
    }
    memset(name, 'n', 256);
    name[256] = '\0';
    options.fd_name = name;
    fails("FDSTOREREMOVE=1", &options, -EINVAL, "1 to 255");
    name[255] = '\0';
    ck_assert_int_eq(sp_note_compose(&(struct sp_note){0}, "FDSTOREREMOVE=1", &options), 0);
}
END_TEST

START_TEST(the_limit_is_exact) {
    struct sunpath_notify_options options = nothing();
    char *text = malloc(2 * SUNPATH_NOTIFY_MAX);
    struct sp_note note = {.size = 0};
    size_t n = SUNPATH_NOTIFY_MAX - strlen("A=1\nSTATUS=");

    memset(text, 'x', 2 * SUNPATH_NOTIFY_MAX);
    options.status = text;
    text[n] = '\0';
    ck_assert_int_eq(sp_note_compose(&note, "A=1", &options), 0);
    ck_assert_uint_eq(note.size, SUNPATH_NOTIFY_MAX);
    text[n] = 'x';
    text[n + 1] = '\0';
    fails("A=1", &options, -EMSGSIZE, "4096");
    text[n + 1] = 'x';
    text[2 * SUNPATH_NOTIFY_MAX - 1] = '\0';
    fails("A=1", &options, -EMSGSIZE, "4096");
    free(text);
}
END_TEST

SP_TESTS("note", states_and_options_make_lines, reloading_says_when, no_line_can_be_smuggled_in,
         nonsense_is_refused, descriptors_and_names_belong_together, the_limit_is_exact)
