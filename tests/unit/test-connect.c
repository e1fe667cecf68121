/* SPDX-License-Identifier: MIT */
/* test-connect.c - connecting: types, reasons, long and abstract names, options. */

#include "connecting.h"

START_TEST(every_type) {
    int fds[] = {listening(SOCK_STREAM, "s", 9), listening(SOCK_SEQPACKET, "p", 9),
                 bound(SOCK_DGRAM, "d")};
    struct sunpath_connect_options options = options_of(0);

    close(connected("./s", NULL));
    close(connected("stream:s", NULL));
    close(connected("seqpacket:./p", NULL));
    close(connected("dgram:./d", NULL));
    options.type = SUNPATH_SEQPACKET;
    close(connected("./p", &options));
    close(connected("seqpacket:./p", &options));
    for (int i = 0; i < 3; i++) {
        close(fds[i]);
    }
}
END_TEST

START_TEST(every_reason) {
    int shut = listening(SOCK_STREAM, "shut", 1), mute = bound(SOCK_STREAM, "mute"),
        packet = listening(SOCK_SEQPACKET, "packet", 1);
    char text[5000];

    fails("./none", NULL, -ENOENT, SUNPATH_REASON_MISSING, "not there");
    fails("./no/where", NULL, -ENOENT, SUNPATH_REASON_MISSING, "'./no'");
    close(listening(SOCK_STREAM, "stale", 1));
    fails("./stale", NULL, -ECONNREFUSED, SUNPATH_REASON_STALE, "its server is gone");
    close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    fails("./file", NULL, -ECONNREFUSED, SUNPATH_REASON_NOT_A_SOCKET, "file");
    ck_assert_int_eq(mkdir("dir", 0700), 0);
    fails("./dir", NULL, -ECONNREFUSED, SUNPATH_REASON_NOT_A_SOCKET, "directory");
    fails("./mute", NULL, -ECONNREFUSED, SUNPATH_REASON_NOT_LISTENING, "listen");
    ck_assert_int_eq(shutdown(shut, SHUT_RD), 0);
    fails("./shut", NULL, -ECONNREFUSED, SUNPATH_REASON_SHUT_DOWN, "shut");
    fails("./packet", NULL, -EPROTOTYPE, SUNPATH_REASON_WRONG_TYPE, "seqpacket");
    fails("dgram:./packet", NULL, -EPROTOTYPE, SUNPATH_REASON_WRONG_TYPE, "seqpacket");
    fails("@sunpath-test-none", NULL, -ECONNREFUSED, SUNPATH_REASON_MISSING, "refused");
    memset(text, 'x', sizeof(text));
    memcpy(text, "./", 2);
    text[300] = '\0'; /* one component of 298 bytes */
    fails(text, NULL, -ENAMETOOLONG, SUNPATH_REASON_NAME_TOO_LONG, "too long");
    text[300] = 'x';
    text[sizeof(text) - 1] = '\0';
    fails(text, NULL, -ENAMETOOLONG, SUNPATH_REASON_NAME_TOO_LONG, "4095");
    fails("a b", NULL, -EINVAL, SUNPATH_REASON_INVALID, "./a b");
    close(shut);
    close(mute);
    close(packet);
}
END_TEST

/* What the server sent before connect returned, as far as it can know, says who sent it. */
START_TEST(the_first_message_has_credentials) {
    static const int listens[] = {SOCK_STREAM, SOCK_SEQPACKET};

    for (int i = 0; i < 2; i++) {
        int server = listening(listens[i], i == 0 ? "s" : "p", 9), client, accepted;
        struct sunpath_connect_options options = options_of(0);
        char data[8];
        struct sunpath_message message = {.data = data, .n_data = sizeof(data)};

        options.want_credentials = true;
        options.type = (enum sunpath_type)listens[i];
        client = connected(i == 0 ? "./s" : "./p", &options);
        accepted = accept4(server, NULL, NULL, SOCK_CLOEXEC);
        ck_assert_int_eq((int)write(accepted, "first", 5), 5);
        ck_assert_int_eq(sunpath_receive(client, &message), 1);
        ck_assert(message.has_credentials && message.credentials.pid == getpid());
        close(accepted);
        close(client);
        close(server);
    }
}
END_TEST

START_TEST(no_permission) {
    int fd = listening(SOCK_STREAM, "s", 9);
    pid_t child;

    ck_assert_int_eq(chmod(".", 0755) + chmod("s", 0600), 0);
    child = fork();
    if (child == 0) {
        become_nobody();
        fails("./s", NULL, -EACCES, SUNPATH_REASON_PERMISSION, "no permission");
        _exit(0);
    }
    is_child_ok(child);
    close(fd);
}
END_TEST

START_TEST(a_bind_mount_of_a_deleted_socket) {
    int fd = listening(SOCK_STREAM, "s", 9), gone;

    ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
    ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    close(open("mounted", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    ck_assert_int_eq(mount("s", "mounted", NULL, MS_BIND, NULL), 0);
    close(connected("./mounted", NULL));
    ck_assert_int_eq(unlink("s"), 0);
    close(fd);
    gone = listening(SOCK_STREAM, "s", 9); /* the server was restarted */
    fails("./mounted", NULL, -ECONNREFUSED, SUNPATH_REASON_DELETED_MOUNT, "deleted");
    close(gone);
    ck_assert_int_eq(umount("mounted"), 0);
}
END_TEST

SP_TESTS("connect", every_type, every_reason, the_first_message_has_credentials, no_permission,
         a_bind_mount_of_a_deleted_socket)
