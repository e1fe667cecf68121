/* SPDX-License-Identifier: MIT */
/* test-claim.c - locks that count, proof of death, removal of nothing but our own. */

#include "sock/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

#define NOBODY 65534

static struct sunpath_address address_of(const char *path) {
    struct sunpath_address address = {.kind = SUNPATH_ADDRESS_PATH, .type = SUNPATH_STREAM};

    address.n_name = (size_t)snprintf(address.name, sizeof(address.name), "%s", path);
    return address;
}

static int take(struct sp_claim *ret, const char *path, struct sunpath_error *error) {
    struct sunpath_address address = address_of(path);

    return sp_claim_take(ret, &address, error);
}

static int look(const struct sp_claim *claim, struct stat *ret_dead, struct sunpath_error *error) {
    struct sunpath_address address = address_of("./a.sock");

    return sp_claim_look(claim, ret_dead, &address, error);
}

static int bound_socket(int type, const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void make_dead(int type, const char *path) {
    close(bound_socket(type, path));
}

static bool exists(const char *path) {
    struct stat file;

    return lstat(path, &file) == 0;
}

static struct stat stat_of(const char *path) {
    struct stat file;

    ck_assert_int_eq(lstat(path, &file), 0);
    return file;
}

static void make_file(const char *path) {
    ck_assert_int_eq(close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644)), 0);
}

/* Runs `body` in a forked process, which must come to its end. */
static void in_child(void (*body)(void)) {
    int status;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        body();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %x", status);
}

START_TEST(one_holds_the_lock) {
    struct sp_claim first = SP_CLAIM_NONE, second = SP_CLAIM_NONE;
    struct sunpath_error error = {0};

    ck_assert_int_eq(take(&first, "./a.sock", NULL), 0);
    ck_assert_int_eq(take(&second, fixture_path("a.sock"), &error), -EADDRINUSE);
    ck_assert_int_eq(error.code, -EADDRINUSE);
    ck_assert_ptr_nonnull(strstr(error.text, "a.sock"));
    ck_assert_int_eq(second.lock_fd, -1);
    ck_assert_int_eq(take(&second, "./b.sock", NULL), 0);
    sp_claim_release(&second, true);

    sp_claim_release(&first, true);
    ck_assert(exists("a.sock.lock"));
    ck_assert_int_eq(take(&second, "./a.sock", NULL), 0);
    sp_claim_release(&second, true);
    sp_claim_release(&second, true); /* empty by now */
}
END_TEST

START_TEST(the_lock_file_is_private_whatever_the_umask) {
    static const mode_t masks[] = {0, 0777, 022};

    for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
        struct sp_claim claim;
        mode_t before = umask(masks[i]);

        ck_assert_int_eq(take(&claim, "./a.sock", NULL), 0);
        umask(before);
        ck_assert_int_eq(stat_of("a.sock.lock").st_mode, S_IFREG | 0600);
        sp_claim_release(&claim, true);
        ck_assert_int_eq(unlink("a.sock.lock"), 0);
    }
}
END_TEST

START_TEST(only_the_named_lock_counts) {
    struct sp_claim first, second;

    ck_assert_int_eq(take(&first, "./a.sock", NULL), 0);
    ck_assert_int_eq(unlink("a.sock.lock"), 0);
    ck_assert_int_eq(take(&second, "./a.sock", NULL), 0);
    ck_assert(!sp_claim_is_last(&first)); /* the second has the name now */
    sp_claim_release(&first, false);
    sp_claim_release(&second, true);
}
END_TEST

START_TEST(a_removed_lock_is_put_back) {
    struct sp_claim first, second;
    struct sunpath_error error = {0};
    struct sunpath_address address = {0};
    int before;

    ck_assert_int_eq(sunpath_address_parse(&address, "./a.sock", NULL), 0);
    ck_assert_int_eq(take(&first, "./a.sock", NULL), 0);
    before = first.lock_fd;
    ck_assert_int_eq(sp_claim_renew(&first, &address, NULL), 0); /* nothing to do */
    ck_assert_int_eq(first.lock_fd, before);
    ck_assert_int_eq(unlink("a.sock.lock"), 0);
    ck_assert_int_eq(sp_claim_renew(&first, &address, NULL), 0);
    ck_assert_int_eq(take(&second, "./a.sock", NULL), -EADDRINUSE);

    ck_assert_int_eq(unlink("a.sock.lock"), 0);
    make_file("a.sock.lock"); /* left by somebody who was refused: nobody holds it */
    ck_assert_int_eq(sp_claim_renew(&first, &address, NULL), 0);
    ck_assert_int_eq(take(&second, "./a.sock", NULL), -EADDRINUSE);

    ck_assert_int_eq(unlink("a.sock.lock"), 0);
    ck_assert_int_eq(take(&second, "./a.sock", NULL), 0);
    before = first.lock_fd;
    ck_assert_int_eq(sp_claim_renew(&first, &address, &error), -EADDRINUSE);
    ck_assert_str_ne(error.text, "");
    ck_assert_int_eq(first.lock_fd, before);
    sp_claim_release(&second, true);
    sp_claim_release(&first, true);
}
END_TEST

static void check_lock_refused(int code, const char *says) {
    struct sp_claim claim = SP_CLAIM_NONE;
    struct sunpath_error error = {0};

    ck_assert_int_eq(take(&claim, "./a.sock", &error), code);
    ck_assert_int_eq(error.code, code);
    ck_assert_str_eq(error.step, "lock");
    ck_assert_msg(strstr(error.text, says) != NULL, "'%s' does not say '%s'", error.text, says);
    ck_assert_int_eq(claim.dir_fd, -1);
}

START_TEST(bad_lock_files_are_refused) {
    make_file("target");
    ck_assert_int_eq(symlink("target", "a.sock.lock"), 0);
    check_lock_refused(-EINVAL, "symbolic link");
    ck_assert_int_eq(unlink("a.sock.lock"), 0);

    ck_assert_int_eq(mkdir("a.sock.lock", 0700), 0);
    check_lock_refused(-EINVAL, "not a regular file");
    ck_assert_int_eq(rmdir("a.sock.lock"), 0);

    ck_assert_int_eq(mkfifo("a.sock.lock", 0600), 0);
    check_lock_refused(-EINVAL, "not a regular file");
    ck_assert_int_eq(unlink("a.sock.lock"), 0);

    make_dead(SOCK_STREAM, "a.sock.lock");
    check_lock_refused(-EINVAL, "not a regular file");
    ck_assert_int_eq(unlink("a.sock.lock"), 0);

    if (geteuid() == 0) {
        make_file("a.sock.lock");
        ck_assert_int_eq(chown("a.sock.lock", NOBODY, NOBODY), 0);
        check_lock_refused(-EACCES, "another user");
        ck_assert_int_eq(stat_of("a.sock.lock").st_mode, S_IFREG | 0644); /* untouched */
    }
}
END_TEST

static void take_in_roots_directory(void) {
    ck_assert_int_eq(setuid(NOBODY), 0);
    check_lock_refused(-EACCES, "may not write to the directory");
}

static void take_roots_lock(void) {
    ck_assert_int_eq(setuid(NOBODY), 0);
    check_lock_refused(-EACCES, "belongs to another user");
}

START_TEST(no_permission_is_said) {
    if (geteuid() != 0) {
        return;
    }
    ck_assert_int_eq(chmod(".", 0755), 0);
    in_child(take_in_roots_directory);
    make_file("a.sock.lock");
    ck_assert_int_eq(chmod("a.sock.lock", 0600), 0);
    in_child(take_roots_lock);
}
END_TEST

START_TEST(bad_paths_are_refused) {
    struct sp_claim claim = SP_CLAIM_NONE;
    struct sunpath_error error;
    char name[SP_PATH_NAME_MAX + 8] = "./";

    ck_assert_int_eq(take(&claim, "./missing/a.sock", &error), -ENOENT);
    make_file("file");
    ck_assert_int_eq(take(&claim, "./file/a.sock", &error), -ENOTDIR);
    ck_assert_int_eq(take(&claim, "./", &error), -EINVAL);
    ck_assert_int_eq(take(&claim, "./..", &error), -EINVAL);

    memset(name + 2, 'n', SP_CLAIM_NAME_MAX + 1);
    ck_assert_int_eq(take(&claim, name, &error), -ENAMETOOLONG);
    ck_assert_int_eq(error.reason, SUNPATH_REASON_NAME_TOO_LONG);
    name[2 + SP_CLAIM_NAME_MAX] = '\0';
    ck_assert_int_eq(take(&claim, name, &error), 0);
    sp_claim_release(&claim, true);
}
END_TEST

static void check_dead(const struct sp_claim *claim, int type) {
    struct stat dead = {0};

    make_dead(type, "a.sock");
    ck_assert_int_eq(look(claim, &dead, NULL), 1);
    ck_assert_uint_eq(dead.st_ino, stat_of("a.sock").st_ino);
    ck_assert_int_eq(unlink("a.sock"), 0);
}

START_TEST(the_dead_are_known) {
    struct sp_claim claim;
    struct stat dead;

    ck_assert_int_eq(take(&claim, "./a.sock", NULL), 0);
    ck_assert_int_eq(look(&claim, &dead, NULL), 0);
    check_dead(&claim, SOCK_STREAM);
    check_dead(&claim, SOCK_SEQPACKET);
    check_dead(&claim, SOCK_DGRAM);
    sp_claim_release(&claim, true);
}
END_TEST

static void check_alive(const struct sp_claim *claim) {
    struct sunpath_error error = {0};
    struct stat before = stat_of("a.sock"), dead = {.st_ino = 7};

    ck_assert_int_eq(look(claim, &dead, &error), -EADDRINUSE);
    ck_assert_int_eq(error.code, -EADDRINUSE);
    ck_assert_uint_eq(dead.st_ino, 7);
    ck_assert_uint_eq(stat_of("a.sock").st_ino, before.st_ino);
    ck_assert_uint_eq(stat_of("a.sock").st_mode, before.st_mode);
}

static void check_live_socket(const struct sp_claim *claim, int type, bool listens) {
    int fd = bound_socket(type, "a.sock");

    if (listens) {
        ck_assert_int_eq(listen(fd, 1), 0);
    }
    check_alive(claim);
    if (listens) { /* nobody knocked */
        ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
        ck_assert_int_eq(accept(fd, NULL, NULL), -1);
        ck_assert_int_eq(errno, EAGAIN);
    }
    close(fd);
    ck_assert_int_eq(unlink("a.sock"), 0);
}

START_TEST(the_living_are_known) {
    struct sp_claim claim;

    ck_assert_int_eq(take(&claim, "./a.sock", NULL), 0);
    check_live_socket(&claim, SOCK_STREAM, true);
    check_live_socket(&claim, SOCK_SEQPACKET, true);
    check_live_socket(&claim, SOCK_STREAM, false);
    check_live_socket(&claim, SOCK_SEQPACKET, false);
    check_live_socket(&claim, SOCK_DGRAM, false);
    sp_claim_release(&claim, true);
}
END_TEST

/* A socket made in a network namespace that sock_diag does not show us; it lives as long as `fd`.
 */
static int socket_elsewhere(int type, bool listens) {
    int pair[2], fd = -1, status;
    char room[CMSG_SPACE(sizeof(int))] = {0}, byte = 0;
    struct iovec data = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    pid_t pid;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    pid = fork();
    if (pid == 0) {
        if (unshare(CLONE_NEWNET) < 0) {
            _exit(1);
        }
        fd = bound_socket(type, "a.sock");
        if (listens && listen(fd, 1) < 0) {
            _exit(2);
        }
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &fd, sizeof(fd));
        _exit(sendmsg(pair[1], &message, 0) == 1 ? 0 : 3);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(recvmsg(pair[0], &message, MSG_CMSG_CLOEXEC), 1);
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
    close(pair[0]);
    close(pair[1]);
    return fd;
}

static void check_elsewhere(const struct sp_claim *claim, int type, bool listens) {
    struct stat dead;
    int fd = socket_elsewhere(type, listens);

    check_alive(claim);
    close(fd);
    ck_assert_int_eq(look(claim, &dead, NULL), 1);
    ck_assert_int_eq(unlink("a.sock"), 0);
}

START_TEST(another_network_namespace_is_no_death) {
    struct sp_claim claim;

    if (geteuid() != 0) {
        return;
    }
    ck_assert_int_eq(take(&claim, "./a.sock", NULL), 0);
    check_elsewhere(&claim, SOCK_STREAM, true);
    check_elsewhere(&claim, SOCK_STREAM, false);
    check_elsewhere(&claim, SOCK_SEQPACKET, true);
    check_elsewhere(&claim, SOCK_DGRAM, false);
    sp_claim_release(&claim, true);
}
END_TEST

static void check_not_a_socket(const struct sp_claim *claim, const char *says) {
    struct sunpath_error error = {0};
    struct stat dead;

    ck_assert_int_eq(look(claim, &dead, &error), -EADDRINUSE);
    ck_assert_int_eq(error.reason, SUNPATH_REASON_NOT_A_SOCKET);
    ck_assert_ptr_nonnull(strstr(error.text, says));
    ck_assert_int_eq(remove("a.sock"), 0);
}

START_TEST(what_is_no_socket_is_never_dead) {
    struct sp_claim claim;

    ck_assert_int_eq(take(&claim, "./a.sock", NULL), 0);
    make_file("a.sock");
    check_not_a_socket(&claim, "a regular file");
    ck_assert_int_eq(mkdir("a.sock", 0700), 0);
    check_not_a_socket(&claim, "a directory");
    ck_assert_int_eq(mkfifo("a.sock", 0600), 0);
    check_not_a_socket(&claim, "a fifo");
    make_dead(SOCK_STREAM, "dead.sock");
    ck_assert_int_eq(symlink("dead.sock", "a.sock"), 0);
    check_not_a_socket(&claim, "a symbolic link");
    ck_assert_int_eq(symlink("nowhere", "a.sock"), 0);
    check_not_a_socket(&claim, "a symbolic link");
    sp_claim_release(&claim, true);
}
END_TEST

/* Another user's socket we may not connect to can be alive for all we know. */
static void look_at_roots_file(void) {
    struct sunpath_error error = {0};
    struct sp_claim claim;
    struct stat dead;

    ck_assert_int_eq(setuid(NOBODY), 0);
    ck_assert_int_eq(take(&claim, "./a.sock", NULL), 0);
    ck_assert_int_eq(look(&claim, &dead, &error), -EADDRINUSE);
    ck_assert_int_eq(error.reason, SUNPATH_REASON_UNKNOWN);
    sp_claim_sweep(&claim);
    sp_claim_release(&claim, true);
}

/* Our own, shut with mode 0 by a starter that was killed, we can prove dead. */
static void look_at_own_file(void) {
    struct sp_claim claim;
    struct stat dead;
    int fd;

    ck_assert_int_eq(setuid(NOBODY), 0);
    ck_assert_int_eq(unlink("a.sock"), 0);
    ck_assert_int_eq(take(&claim, "./a.sock", NULL), 0);
    fd = bound_socket(SOCK_STREAM, "a.sock");
    ck_assert_int_eq(chmod("a.sock", 0), 0);
    check_alive(&claim);
    close(fd);
    ck_assert_int_eq(look(&claim, &dead, NULL), 1);

    make_dead(SOCK_STREAM, ".a.sock.new");
    ck_assert_int_eq(chmod(".a.sock.new", 0), 0);
    sp_claim_sweep(&claim);
    ck_assert(!exists(".a.sock.new"));
    sp_claim_release(&claim, true);
}

START_TEST(without_permission_nothing_is_proven_but_of_our_own) {
    if (geteuid() != 0) {
        return;
    }
    ck_assert_int_eq(chmod(".", 0777), 0);
    make_dead(SOCK_STREAM, "a.sock");
    make_dead(SOCK_STREAM, ".a.sock.new");
    ck_assert_int_eq(chmod("a.sock", 0600), 0);
    ck_assert_int_eq(chmod(".a.sock.new", 0600), 0);
    in_child(look_at_roots_file);
    ck_assert(exists(".a.sock.new"));
    ck_assert_int_eq(unlink(".a.sock.new"), 0);
    in_child(look_at_own_file);
}
END_TEST

START_TEST(temporaries_are_swept_when_dead) {
    struct sp_claim claim;
    int alive;

    ck_assert_int_eq(take(&claim, "./a.sock", NULL), 0);
    make_dead(SOCK_STREAM, ".a.sock.new");
    make_dead(SOCK_DGRAM, ".a.sock.old");
    make_dead(SOCK_STREAM, ".b.sock.new");
    sp_claim_sweep(&claim);
    ck_assert(!exists(".a.sock.new"));
    ck_assert(!exists(".a.sock.old"));
    ck_assert(exists(".b.sock.new"));

    alive = bound_socket(SOCK_STREAM, ".a.sock.new");
    make_file(".a.sock.old");
    sp_claim_sweep(&claim);
    ck_assert(exists(".a.sock.new"));
    ck_assert(exists(".a.sock.old"));
    close(alive);
    sp_claim_release(&claim, true);
}
END_TEST

START_TEST(long_names_get_short_temporaries_of_their_own) {
    char name[SP_CLAIM_NAME_MAX + 3] = "./", a[SP_BESIDE_N_TEMPORARY], b[SP_BESIDE_N_TEMPORARY];
    struct sp_claim claim;

    memset(name + 2, 'n', SP_CLAIM_NAME_MAX);
    ck_assert_int_eq(take(&claim, name, NULL), 0);
    sp_beside_temporary(a, claim.name, SP_BESIDE_NEW);
    sp_claim_release(&claim, true);
    name[SP_CLAIM_NAME_MAX] = 'x';
    ck_assert_int_eq(take(&claim, name, NULL), 0);
    sp_beside_temporary(b, claim.name, SP_BESIDE_NEW);
    sp_claim_release(&claim, true);
    ck_assert_str_ne(a, b);
    ck_assert_uint_lt(strlen(a), 82); /* fits behind /proc/self/fd/N/ */
}
END_TEST

START_TEST(only_our_file_is_removed) {
    struct sp_claim claim;
    struct stat ours;

    ck_assert_int_eq(take(&claim, "./a.sock", NULL), 0);
    make_file("a.sock");
    ours = stat_of("a.sock");
    make_file("other");
    ck_assert_int_eq(rename("other", "a.sock"), 0);
    sp_claim_remove(&claim, &ours);
    ck_assert(exists("a.sock"));
    ours = stat_of("a.sock");
    sp_claim_remove(&claim, &ours);
    ck_assert(!exists("a.sock"));
    ck_assert(!exists(".a.sock.old"));
    sp_claim_remove(&claim, &ours); /* nothing there */

    make_file(".a.sock.old"); /* in the way */
    make_file("a.sock");
    ours = stat_of("a.sock");
    sp_claim_remove(&claim, &ours);
    ck_assert(!exists("a.sock"));
    ck_assert(exists(".a.sock.old"));
    sp_claim_release(&claim, true);
}
END_TEST

START_TEST(the_last_of_a_family_is_known) {
    struct sp_claim claim, other;
    int status;
    pid_t pid;

    ck_assert_int_eq(take(&claim, "./a.sock", NULL), 0);
    pid = fork();
    if (pid == 0) {
        struct sp_claim share = claim;

        if (sp_claim_is_last(&share)) { /* the parent holds it */
            _exit(1);
        }
        sp_claim_release(&share, false);
        _exit(0);
    }
    /* what the child gave back was its share alone */
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(take(&other, "./a.sock", NULL), -EADDRINUSE);
    ck_assert(sp_claim_is_last(&claim));
    sp_claim_release(&claim, true);
}
END_TEST

START_TEST(a_lock_is_adopted_when_it_is_the_named_one) {
    struct sunpath_address address = address_of("./a.sock");
    struct sp_claim claim, adopted = SP_CLAIM_NONE, other;
    int copy, stranger;

    ck_assert_int_eq(take(&claim, "./a.sock", NULL), 0);
    copy = fcntl(claim.lock_fd, F_DUPFD_CLOEXEC, 0);
    stranger = open("a.sock.lock", O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(sp_claim_adopt(&adopted, &address, stranger), -EWOULDBLOCK);
    make_file("other.lock");
    close(stranger);
    stranger = open("other.lock", O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(sp_claim_adopt(&adopted, &address, stranger), -ESTALE);
    close(stranger);
    ck_assert_int_eq(adopted.lock_fd, -1);

    ck_assert_int_eq(sp_claim_adopt(&adopted, &address, copy), 0);
    sp_claim_release(&claim, false);
    ck_assert_int_eq(take(&other, "./a.sock", NULL), -EADDRINUSE);
    sp_claim_release(&adopted, false);
    ck_assert_int_eq(take(&other, "./a.sock", NULL), 0);
    sp_claim_release(&other, true);
}
END_TEST

SP_TESTS_EVERYWHERE("claim", one_holds_the_lock, the_lock_file_is_private_whatever_the_umask,
                    only_the_named_lock_counts, a_removed_lock_is_put_back,
                    bad_lock_files_are_refused, no_permission_is_said, bad_paths_are_refused,
                    the_dead_are_known, the_living_are_known, another_network_namespace_is_no_death,
                    what_is_no_socket_is_never_dead,
                    without_permission_nothing_is_proven_but_of_our_own,
                    temporaries_are_swept_when_dead, long_names_get_short_temporaries_of_their_own,
                    only_our_file_is_removed, the_last_of_a_family_is_known,
                    a_lock_is_adopted_when_it_is_the_named_one)
