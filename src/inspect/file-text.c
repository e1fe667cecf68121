/* SPDX-License-Identifier: MIT */
/* file-text.c - a file's kind, mode and owner in words. */

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "inspect/path-walk.h"

static char kind_letter(mode_t mode) {
    return S_ISDIR(mode)    ? 'd'
           : S_ISLNK(mode)  ? 'l'
           : S_ISSOCK(mode) ? 's'
           : S_ISFIFO(mode) ? 'p'
           : S_ISCHR(mode)  ? 'c'
           : S_ISBLK(mode)  ? 'b'
                            : '-';
}

const char *sp_file_kind(mode_t mode) {
    return S_ISDIR(mode)    ? "a directory"
           : S_ISLNK(mode)  ? "a symbolic link"
           : S_ISSOCK(mode) ? "a socket"
           : S_ISFIFO(mode) ? "a fifo"
           : S_ISCHR(mode)  ? "a character device"
           : S_ISBLK(mode)  ? "a block device"
                            : "a regular file";
}

static void three_bits(char *ret, mode_t bits, bool is_special, char special) {
    ret[0] = bits & 4 ? 'r' : '-';
    ret[1] = bits & 2 ? 'w' : '-';
    ret[2] = bits & 1 ? 'x' : '-';
    if (is_special) {
        ret[2] = bits & 1 ? special : (char)(special - 'a' + 'A');
    }
}

void sp_mode_text(char ret[11], mode_t mode) {
    ret[0] = kind_letter(mode);
    three_bits(ret + 1, mode >> 6 & 7, mode & S_ISUID, 's');
    three_bits(ret + 4, mode >> 3 & 7, mode & S_ISGID, 's');
    three_bits(ret + 7, mode & 7, mode & S_ISVTX, 't');
    ret[10] = '\0';
}

static void user_text(char *ret, size_t n_ret, uid_t uid, bool with_name) {
    struct passwd room, *found = NULL;
    char buffer[8192];

    if (with_name && getpwuid_r(uid, &room, buffer, sizeof(buffer), &found) == 0 && found) {
        sunpath_escape(ret, n_ret, found->pw_name, strlen(found->pw_name));
    } else {
        snprintf(ret, n_ret, "%u", (unsigned)uid);
    }
}

static void group_text(char *ret, size_t n_ret, gid_t gid, bool with_name) {
    struct group room, *found = NULL;
    char buffer[8192]; /* a group with more members than fit is shown by its number */

    if (with_name && getgrgid_r(gid, &room, buffer, sizeof(buffer), &found) == 0 && found) {
        sunpath_escape(ret, n_ret, found->gr_name, strlen(found->gr_name));
    } else {
        snprintf(ret, n_ret, "%u", (unsigned)gid);
    }
}

void sp_owner_text(char *buffer, size_t n_buffer, uid_t uid, gid_t gid, bool with_names) {
    char user[64], group[64];

    user_text(user, sizeof(user), uid, with_names);
    group_text(group, sizeof(group), gid, with_names);
    snprintf(buffer, n_buffer, "%s:%s", user, group);
}
