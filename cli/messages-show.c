/* SPDX-License-Identifier: MIT */
/* messages-show.c - messages for people: sizes, senders, descriptors, hex dumps. */

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "messages.h"
#include "output.h"

static size_t add(char *ret, size_t n_ret, size_t n, const char *format, ...) SUNPATH_PRINTF(4, 5);

static size_t add(char *ret, size_t n_ret, size_t n, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    n += (size_t)vsnprintf(ret + n, n_ret - n, format, arguments);
    va_end(arguments);
    return n < n_ret ? n : n_ret - 1;
}

void message_describe(char *ret, size_t n_ret, const struct sunpath_channel_message *message) {
    const struct sunpath_credentials *credentials = message->credentials;
    size_t n = 0;

    n = add(ret, n_ret, n, "message %llu: %zu byte%s", (unsigned long long)message->number,
            message->size, message->size == 1 ? "" : "s");
    if (message->is_unterminated) {
        n = add(ret, n_ret, n, " without the end of its line");
    }
    if (credentials && credentials->pid != 0) {
        n = add(ret, n_ret, n, " from pid %d (%s:%s)", (int)credentials->pid,
                cli_user_name(credentials->uid), cli_group_name(credentials->gid));
    } else if (credentials) {
        n = add(ret, n_ret, n, " from a process outside this pid namespace (%s:%s)",
                cli_user_name(credentials->uid), cli_group_name(credentials->gid));
    }
    if (message->sender) {
        char name[SUNPATH_NAME_MAX + 64];
        struct cli_shown shown;

        sunpath_address_format(name, sizeof(name), message->sender);
        add(ret, n_ret, n, " at %s", cli_show(&shown, name));
    }
}

static const char *kind_of(mode_t mode, const char *link) {
    switch (mode & S_IFMT) {
    case S_IFREG:
        return strncmp(link, "/memfd:", 7) == 0 ? "memory" : "file";
    case S_IFDIR:
        return "directory";
    case S_IFIFO:
        return "pipe";
    case S_IFSOCK:
        return "socket";
    case S_IFCHR:
    case S_IFBLK:
        return "device";
    default:
        return "descriptor";
    }
}

void message_describe_fd(char *ret, size_t n_ret, int fd) {
    static const char *const modes[] = {
        [O_RDONLY] = "read only", [O_WRONLY] = "write only", [O_RDWR] = "read and write"};
    char path[32], link[SUNPATH_NAME_MAX + 1];
    struct cli_shown shown;
    const char *kind;
    struct stat status;
    int flags = fcntl(fd, F_GETFL);
    ssize_t n;
    size_t n_text;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    n = readlink(path, link, sizeof(link) - 1);
    link[n > 0 ? n : 0] = '\0';
    if (flags < 0 || fstat(fd, &status) < 0) {
        snprintf(ret, n_ret, "descriptor that cannot be looked at");
        return;
    }
    kind = kind_of(status.st_mode, link);
    if (strncmp(link, kind, strlen(kind)) == 0) { /* as in "pipe:[17]" */
        kind = "";
    }
    n_text =
        add(ret, n_ret, 0, "%s%s%s (", kind, kind[0] != '\0' ? " " : "", cli_show(&shown, link));
    n_text = add(ret, n_ret, n_text, "%s",
                 flags & O_PATH                  ? "path only"
                 : (flags & O_ACCMODE) <= O_RDWR ? modes[flags & O_ACCMODE]
                                                 : "no access");
    if (S_ISREG(status.st_mode)) {
        n_text = add(ret, n_ret, n_text, ", %lld bytes", (long long)status.st_size);
    }
    add(ret, n_ret, n_text, ")");
}

size_t message_hex_line(char ret[MESSAGE_HEX_LINE], const void *data, size_t size, size_t offset) {
    const unsigned char *bytes = (const unsigned char *)data + offset;
    size_t n_bytes = size - offset < MESSAGE_HEX_BYTES ? size - offset : MESSAGE_HEX_BYTES;
    size_t n = add(ret, MESSAGE_HEX_LINE, 0, "%08zx ", offset);

    for (size_t i = 0; i < MESSAGE_HEX_BYTES; i++) {
        const char *gap = i % 8 == 0 ? " " : "";

        n = i < n_bytes ? add(ret, MESSAGE_HEX_LINE, n, "%s%02x ", gap, bytes[i])
                        : add(ret, MESSAGE_HEX_LINE, n, "%s   ", gap);
    }
    n = add(ret, MESSAGE_HEX_LINE, n, " |");
    for (size_t i = 0; i < n_bytes; i++) {
        ret[n++] = (char)(bytes[i] >= ' ' && bytes[i] < 0x7f ? bytes[i] : '.');
    }
    return add(ret, MESSAGE_HEX_LINE, n, "|\n");
}
