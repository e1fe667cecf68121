/* SPDX-License-Identifier: MIT */
/* test-namespaces.c - the child that goes from network namespace to network namespace. */

#include "inspect/namespaces.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sunpath/inspect.h>

#include "fixture.h"

/* As if the program were killed before its child had asked for the signal that tells it so. */
int prctl(int option, ...) {
    (void)option;
    return 0;
}

static int count(const struct sp_netns *netns, void *user) {
    *(int *)user += !netns->is_own;
    return 0;
}

static int die_away_from_home(const struct sp_netns *netns, void *user) {
    (void)user;
    return netns->is_own ? 0 : raise(SIGKILL);
}

/* A process in a network namespace of its own, until the other end of `stop` is closed. */
static pid_t start_elsewhere(int stop[2]) {
    int ready[2];
    pid_t pid;
    char byte;

    ck_assert_int_eq(pipe(stop), 0);
    ck_assert_int_eq(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        close(stop[1]);
        if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "r", 1) != 1) {
            _exit(1);
        }
        _exit(read(stop[0], &byte, 1) == 0 ? 0 : 1);
    }
    ck_assert_int_eq(close(ready[1]), 0);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(stop[0]);
    return pid;
}

static void stop_elsewhere(pid_t pid, int stop_fd) {
    int status;

    close(stop_fd);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

START_TEST(other_namespaces_are_visited) {
    int stop[2], n = 0;
    pid_t elsewhere;

    if (geteuid() != 0) {
        return;
    }
    elsewhere = start_elsewhere(stop);
    ck_assert_int_eq(sp_netns_each(count, &n, NULL), 0);
    ck_assert_int_ge(n, 1);
    stop_elsewhere(elsewhere, stop[1]);
}
END_TEST

/* It has all of the program's descriptors: a listener's lock would be held for ever. */
START_TEST(the_child_ends_with_a_program_that_is_killed) {
    int stop[2], open_as_long_as_it_lives[2], status;
    pid_t elsewhere, program;
    char byte;

    if (geteuid() != 0) {
        return;
    }
    elsewhere = start_elsewhere(stop);
    ck_assert_int_eq(pipe(open_as_long_as_it_lives), 0);
    program = fork();
    if (program == 0) {
        close(open_as_long_as_it_lives[0]);
        sp_netns_each(die_away_from_home, NULL, NULL);
        _exit(1);
    }
    close(open_as_long_as_it_lives[1]);
    ck_assert_int_eq(waitpid(program, &status, 0), program);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ck_assert_int_eq(read(open_as_long_as_it_lives[0], &byte, 1), 0);
    close(open_as_long_as_it_lives[0]);
    stop_elsewhere(elsewhere, stop[1]);
}
END_TEST

static void look_without_proc(void) {
    struct sunpath_socket_list *list = NULL;
    struct sp_netns_blind blind = {0};
    int n = 0;

    ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
    ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    ck_assert_int_eq(umount2("/proc", MNT_DETACH), 0);
    ck_assert_int_eq(sp_netns_each(count, &n, &blind), 0);
    ck_assert_int_eq(n, 0);
    ck_assert_uint_gt(blind.n_processes, 0);
    ck_assert_int_eq(sunpath_socket_list_take(&list, NULL), 0);
    ck_assert_uint_gt(sunpath_socket_list_blind_spots(list)->n_processes, 0);
    sunpath_socket_list_free(list);
}

START_TEST(without_proc_the_own_namespace_is_seen) {
    pid_t pid;
    int status;

    if (geteuid() != 0) {
        return;
    }
    pid = fork();
    if (pid == 0) {
        look_without_proc();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

SP_TESTS("namespaces", without_proc_the_own_namespace_is_seen, other_namespaces_are_visited,
         the_child_ends_with_a_program_that_is_killed)
