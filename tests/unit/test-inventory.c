/* SPDX-License-Identifier: MIT */
/* test-inventory.c - the picture of all sockets shows ours as they are. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sunpath/inspect.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fixture.h"

static int make_bound(int type, const char *name, size_t n_name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    memcpy(address.sun_path, name, n_name);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n_name)),
                     0);
    return fd;
}

static int make_listener(const char *path) {
    int fd = make_bound(SOCK_STREAM, path, strlen(path));

    ck_assert_int_eq(listen(fd, 7), 0);
    return fd;
}

static int make_client(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, path);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static struct sunpath_socket_list *take(void) {
    const char *directories[] = {fixture_dir(), NULL};
    struct sunpath_socket_list *list = NULL;

    ck_assert_int_eq(sunpath_socket_list_take(&list, directories), 0);
    return list;
}

static const struct sunpath_socket *find(const struct sunpath_socket_list *list, const char *name) {
    const struct sunpath_socket *found = NULL;

    for (size_t i = 0; i < sunpath_socket_list_count(list); i++) {
        const struct sunpath_socket *socket = sunpath_socket_list_at(list, i);

        if (strcmp(socket->address.name, name) == 0) {
            ck_assert_ptr_null(found); /* once is enough */
            found = socket;
        }
    }
    ck_assert_ptr_null(sunpath_socket_list_at(list, sunpath_socket_list_count(list)));
    return found;
}

START_TEST(a_listener_with_connections) {
    const char *path = fixture_path("a.sock");
    int fd = make_listener(path);
    int clients[3] = {make_client(path), make_client(path), make_client(path)};
    int served[2] = {accept(fd, NULL, NULL), accept(fd, NULL, NULL)};
    struct sunpath_socket_list *list;
    const struct sunpath_socket *socket;
    struct stat st;

    ck_assert_int_eq(chmod(path, 0640), 0);
    ck_assert_int_eq(fstat(fd, &st), 0);
    list = take();
    socket = find(list, path);
    ck_assert_ptr_nonnull(socket);
    ck_assert_int_eq(socket->state, SUNPATH_SOCKET_LISTENING);
    ck_assert_int_eq(socket->type, SUNPATH_STREAM);
    ck_assert_int_eq(socket->address.kind, SUNPATH_ADDRESS_PATH);
    ck_assert(socket->has_file && !socket->is_deleted && !socket->is_other_netns);
    ck_assert_uint_eq(socket->mode, 0640);
    ck_assert_uint_eq(socket->file_uid, geteuid());
    ck_assert_uint_eq(socket->inode, st.st_ino);
    ck_assert_uint_eq(socket->n_connections, 2);
    ck_assert_uint_eq(socket->n_waiting, 1);
    ck_assert_uint_eq(socket->backlog, 7);
    ck_assert_ptr_null(socket->bound_name);
    ck_assert_uint_eq(socket->n_owners, 1);
    ck_assert_int_eq(socket->owners[0].pid, getpid());
    ck_assert_int_eq(socket->owners[0].fd, fd);
    ck_assert_uint_eq(socket->owners[0].uid, geteuid());
    sunpath_socket_list_free(list);
    close(fd);
    for (int i = 0; i < 3; i++) {
        close(clients[i]);
    }
    close(served[0]);
    close(served[1]);
}
END_TEST

START_TEST(the_published_path_is_shown) {
    const char *temporary = fixture_path(".a.sock.new"), *path = fixture_path("a.sock");
    int renamed = make_listener(temporary), relative = make_listener("rel.sock");
    struct sunpath_socket_list *list;

    ck_assert_int_eq(rename(temporary, path), 0);
    list = take();
    ck_assert_ptr_null(find(list, temporary));
    ck_assert_ptr_nonnull(find(list, path));
    ck_assert_str_eq(find(list, path)->bound_name, temporary);
    ck_assert_ptr_nonnull(find(list, fixture_path("rel.sock")));
    ck_assert_str_eq(find(list, fixture_path("rel.sock"))->bound_name, "rel.sock");
    sunpath_socket_list_free(list);
    close(renamed);
    close(relative);
}
END_TEST

START_TEST(a_removed_file) {
    const char *path = fixture_path("a.sock");
    int fd = make_listener(path);
    struct sunpath_socket_list *list;

    ck_assert_int_eq(unlink(path), 0);
    list = take();
    ck_assert_ptr_nonnull(find(list, path));
    ck_assert(find(list, path)->is_deleted);
    ck_assert(!find(list, path)->has_file);
    sunpath_socket_list_free(list);
    close(fd);
}
END_TEST

START_TEST(a_listener_that_was_shut_down) {
    int shut = make_listener(fixture_path("shut.sock")),
        open = make_listener(fixture_path("open.sock"));
    struct sunpath_socket_list *list;

    ck_assert_int_eq(shutdown(shut, SHUT_RD), 0);
    list = take();
    ck_assert_int_eq(find(list, fixture_path("shut.sock"))->state, SUNPATH_SOCKET_LISTENING);
    ck_assert(find(list, fixture_path("shut.sock"))->is_shut);
    ck_assert(!find(list, fixture_path("open.sock"))->is_shut);
    sunpath_socket_list_free(list);
    close(shut);
    close(open);
}
END_TEST

START_TEST(files_left_over) {
    const char *path = fixture_path("stale.sock"), *live = fixture_path("live.sock");
    int fd = make_listener(live);
    struct sunpath_socket_list *list;

    close(make_listener(path));
    list = take();
    ck_assert_ptr_nonnull(find(list, path));
    ck_assert_int_eq(find(list, path)->state, SUNPATH_SOCKET_STALE);
    ck_assert_uint_eq(find(list, path)->inode, 0);
    ck_assert_uint_eq(find(list, path)->n_owners, 0);
    ck_assert_int_eq(find(list, live)->state, SUNPATH_SOCKET_LISTENING);
    sunpath_socket_list_free(list);
    close(fd);
}
END_TEST

START_TEST(datagram_and_abstract) {
    const char *path = fixture_path("d.sock");
    char name[64], plain[64];
    int n = snprintf(plain, sizeof(plain), "sunpath-inventory-%d", (int)getpid());
    int datagram = make_bound(SOCK_DGRAM, path, strlen(path)), abstract;
    struct sunpath_socket_list *list;

    name[0] = '\0';
    memcpy(name + 1, plain, (size_t)n);
    abstract = make_bound(SOCK_STREAM, name, (size_t)n + 1);
    list = take();
    ck_assert_int_eq(find(list, path)->type, SUNPATH_DGRAM);
    ck_assert_int_eq(find(list, path)->state, SUNPATH_SOCKET_BOUND);
    ck_assert_ptr_nonnull(find(list, plain));
    ck_assert_int_eq(find(list, plain)->address.kind, SUNPATH_ADDRESS_ABSTRACT);
    ck_assert_int_eq(find(list, plain)->state, SUNPATH_SOCKET_BOUND);
    ck_assert(!find(list, plain)->has_file);
    sunpath_socket_list_free(list);
    close(datagram);
    close(abstract);
}
END_TEST

START_TEST(sorted_and_honest) {
    int b = make_listener(fixture_path("b")), a = make_listener(fixture_path("a"));
    struct sunpath_socket_list *list = take();

    for (size_t i = 1; i < sunpath_socket_list_count(list); i++) {
        const struct sunpath_address *x = &sunpath_socket_list_at(list, i - 1)->address;
        const struct sunpath_address *y = &sunpath_socket_list_at(list, i)->address;

        if (x->kind == SUNPATH_ADDRESS_PATH && y->kind == SUNPATH_ADDRESS_PATH) {
            ck_assert_int_le(strcmp(x->name, y->name), 0);
        }
    }
    ck_assert_ptr_nonnull(sunpath_socket_list_blind_spots(list));
    ck_assert_ptr_null(sunpath_socket_list_free(list));
    ck_assert_ptr_null(sunpath_socket_list_free(NULL));
    close(a);
    close(b);
}
END_TEST

SP_TESTS("inventory", a_listener_with_connections, the_published_path_is_shown, a_removed_file,
         a_listener_that_was_shut_down, files_left_over, datagram_and_abstract, sorted_and_honest)
