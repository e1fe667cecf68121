/* SPDX-License-Identifier: MIT */
/* test-activation.c - LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES, right and wrong. */

#include <sunpath/listener.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fixture.h"

static void set_environment(const char *pid, const char *fds, const char *names) {
    const char *const variables[][2] = {
        {"LISTEN_PID", pid}, {"LISTEN_FDS", fds}, {"LISTEN_FDNAMES", names}};

    for (size_t i = 0; i < 3; i++) {
        if (variables[i][1]) {
            setenv(variables[i][0], variables[i][1], 1);
        } else {
            unsetenv(variables[i][0]);
        }
    }
}

static const char *own_pid(void) {
    static char text[16];

    snprintf(text, sizeof(text), "%d", (int)getpid());
    return text;
}

static void check_name(int index, const char *expected) {
    char name[64] = "untouched";

    ck_assert_int_eq(sunpath_activation_name(index, name, sizeof(name)), (int)strlen(expected));
    ck_assert_str_eq(name, expected);
}

START_TEST(descriptors_are_counted) {
    set_environment(NULL, NULL, NULL);
    ck_assert_int_eq(sunpath_activation_count(), 0);
    set_environment(own_pid(), "2", NULL);
    ck_assert_int_eq(sunpath_activation_count(), 2);
    set_environment(own_pid(), "0", NULL);
    ck_assert_int_eq(sunpath_activation_count(), 0);
    set_environment(own_pid(), NULL, NULL);
    ck_assert_int_eq(sunpath_activation_count(), 0);
    set_environment(NULL, "2", NULL);
    ck_assert_int_eq(sunpath_activation_count(), 0);
    set_environment("1", "2", NULL); /* meant for another process */
    ck_assert_int_eq(sunpath_activation_count(), 0);
}
END_TEST

START_TEST(nonsense_is_refused) {
    static const char *const wrong[] = {"", "x", "-1", "2x", " 2", "99999999999", "2147483647"};
    char name[8];

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        set_environment(own_pid(), wrong[i], NULL);
        ck_assert_int_eq(sunpath_activation_count(), -EINVAL);
        ck_assert_int_eq(sunpath_activation_name(0, name, sizeof(name)), -EINVAL);
    }
    for (size_t i = 0; i < 6; i++) {
        set_environment(wrong[i], "2", NULL);
        ck_assert_int_eq(sunpath_activation_count(), -EINVAL);
    }
}
END_TEST

START_TEST(names_are_found) {
    char name[4];

    set_environment(own_pid(), "4", "web::admin");
    check_name(0, "web");
    check_name(1, "");
    check_name(2, "admin");
    check_name(3, ""); /* fewer names than descriptors */
    ck_assert_int_eq(sunpath_activation_name(4, name, sizeof(name)), -EINVAL);
    ck_assert_int_eq(sunpath_activation_name(-1, name, sizeof(name)), -EINVAL);
    ck_assert_int_eq(sunpath_activation_name(2, name, sizeof(name)), -ERANGE);
    ck_assert_int_eq(sunpath_activation_name(0, name, sizeof(name)), 3);
    ck_assert_int_eq(sunpath_activation_name(0, name, 0), -ERANGE);

    set_environment(own_pid(), "1", NULL);
    check_name(0, "");
}
END_TEST

static void check_refused(const char *address, int code, const char *says) {
    struct sunpath_listener *listener = NULL;
    struct sunpath_error error = {0};

    ck_assert_int_eq(sunpath_listener_open(&listener, address, NULL, &error), code);
    ck_assert_ptr_null(listener);
    ck_assert_msg(strstr(error.text, says) != NULL, "'%s' does not say '%s'", error.text, says);
}

START_TEST(what_was_not_passed_is_not_found) {
    set_environment(NULL, NULL, NULL);
    check_refused("systemd:", -ENOENT, "no descriptor was passed");
    set_environment(own_pid(), "x", NULL);
    check_refused("systemd:", -EINVAL, "not a number");
    set_environment(own_pid(), "3", "web:admin:web");
    check_refused("systemd:mail", -ENOENT, "none of the 3");
    check_refused("systemd:adm", -ENOENT, "none of the 3");
    check_refused("systemd:web", -EINVAL, "2 descriptors");
    check_refused("systemd:", -EINVAL, "3 descriptors");
    set_environment(own_pid(), "2147483644", "web"); /* without looking at each of them */
    check_refused("systemd:mail", -ENOENT, "none of the 2147483644");
    check_refused("systemd:", -EINVAL, "2147483644 descriptors");
}
END_TEST

/* Puts listening sockets where a service manager does, beside what the test itself has there. */
static void check_adopts(int n_fds, const char *names, const char *address, int expected_fd) {
    struct sunpath_listener *listener = NULL;
    struct sunpath_error error = {0};
    int saved[4], r;
    char count[8];

    for (int i = 0; i < n_fds; i++) {
        struct sockaddr_un bound = {.sun_family = AF_UNIX};
        int fd;

        saved[i] = fcntl(3 + i, F_DUPFD_CLOEXEC, 100); /* -1 when the number is free */
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        snprintf(bound.sun_path, sizeof(bound.sun_path), "%d.sock", i);
        unlink(bound.sun_path);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&bound, sizeof(bound)), 0);
        ck_assert_int_eq(listen(fd, 1), 0);
        if (fd != 3 + i) {
            ck_assert_int_eq(dup2(fd, 3 + i), 3 + i);
            close(fd);
        }
    }
    snprintf(count, sizeof(count), "%d", n_fds);
    set_environment(own_pid(), count, names);
    r = sunpath_listener_open(&listener, address, NULL, &error);
    ck_assert_msg(r == 0, "%s", error.text);
    ck_assert_int_eq(sunpath_listener_fd(listener), expected_fd);
    ck_assert_int_eq(fcntl(expected_fd, F_GETFD), FD_CLOEXEC);
    ck_assert_int_ne(fcntl(expected_fd, F_GETFL) & O_NONBLOCK, 0);
    sunpath_listener_close(listener);
    for (int i = 0; i < n_fds; i++) {
        char path[16];

        snprintf(path, sizeof(path), "%d.sock", i);
        ck_assert_int_eq(access(path, F_OK), 0); /* not ours to remove */
        close(3 + i);
        if (saved[i] >= 0) {
            ck_assert_int_eq(dup2(saved[i], 3 + i), 3 + i);
            close(saved[i]);
        }
    }
}

START_TEST(passed_descriptors_are_adopted) {
    check_adopts(1, NULL, "systemd:", 3);
    check_adopts(1, "web", "systemd:web", 3);
    check_adopts(3, "web:admin:mail", "systemd:admin", 4);
    check_adopts(3, "web:admin:mail", "fd:5", 5);
}
END_TEST

SP_TESTS("activation", descriptors_are_counted, nonsense_is_refused, names_are_found,
         what_was_not_passed_is_not_found, passed_descriptors_are_adopted)
