/* SPDX-License-Identifier: MIT */
/* form-file.c - files of a form: without a name until they are whole and wanted. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "os/fd.h"
#include "web/form.h"

#define MAX_NAME    200 /* of 255, so that there is room for a number and a backup's suffix */
#define MAX_NUMBER  99  /* from then on random ones: no name is ever used up, nor slow to find */
#define N_SUFFIX    18  /* "-" and such a number, with its NUL */
#define N_TEMPORARY 40

/* ---- while it is written --------------------------------------------------------------------- */

static int random_bytes(void *ret, size_t size) {
    return getrandom(ret, size, 0) == (ssize_t)size ? 0 : -EIO;
}

/* Not every file system has files without a name: there it is a hidden one that nobody guesses. */
static int open_named(struct sunpath_form *form, struct sp_form_entry *entry) {
    char *name = sunpath_http_alloc(form->exchange, N_TEMPORARY);
    uint64_t number[2];
    int fd;

    if (!name) {
        return -ENOMEM;
    }
    if (random_bytes(number, sizeof(number)) < 0) {
        return -EIO;
    }
    snprintf(name, N_TEMPORARY, ".%016llx%016llx", (unsigned long long)number[0],
             (unsigned long long)number[1]);
    fd = openat(form->directory_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -errno;
    }
    entry->temporary = name;
    return fd;
}

int sp_form_file_open(struct sunpath_form *form, struct sp_form_entry *entry) {
    int fd = openat(form->directory_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
        fd = open_named(form, entry);
    } else if (fd < 0) {
        fd = -errno;
    }
    if (fd < 0) {
        return fd;
    }
    entry->part.fd = fd;
    return 0;
}

int sp_form_file_write(struct sp_form_entry *entry, const char *data, size_t size) {
    while (size > 0) {
        ssize_t n = write(entry->part.fd, data, size);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        data += n;
        size -= (size_t)n;
    }
    return 0;
}

void sp_form_file_close(struct sunpath_form *form, struct sp_form_entry *entry) {
    if (entry->part.fd < 0) {
        return;
    }
    entry->part.fd = sp_close(entry->part.fd);
    if (entry->temporary && !entry->is_saved) {
        (void)unlinkat(form->directory_fd, entry->temporary, 0);
    }
}

/* ---- names ----------------------------------------------------------------------------------- */

static const char *last_component(const char *filename) {
    const char *found = filename;

    for (const char *at = filename; *at; at++) {
        if (*at == '/' || *at == '\\') {
            found = at + 1;
        }
    }
    return found;
}

/* Copies what is printable, whole characters while they fit. */
static size_t put_characters(char *to, size_t room, const char *from, size_t size) {
    size_t used = 0, at = 0;

    while (at < size) {
        size_t n = sp_utf8_length(from + at, size - at);

        if (n > room - used) {
            break;
        }
        memcpy(to + used, from + at, n);
        used += n;
        at += n > 0 ? n : 1;
    }
    return used;
}

/* What is behind the last dot, if it is short enough to be an extension; with the dot. */
static const char *extension_of(const char *name) {
    const char *dot = strrchr(name, '.');

    return dot && dot != name && strlen(dot) <= 20 ? dot : name + strlen(name);
}

int sunpath_form_safe_name(char *buffer, size_t n_buffer, const char *filename) {
    const char *name = last_component(filename), *extension;
    char made[MAX_NAME + 1];
    size_t n, n_extension;

    while (*name == '.' || *name == ' ') {
        name++;
    }
    extension = extension_of(name);
    n_extension = strlen(extension);
    n = put_characters(made, MAX_NAME - n_extension, name, (size_t)(extension - name));
    n += put_characters(made + n, MAX_NAME - n, extension, n_extension);
    while (n > 0 && (made[n - 1] == '.' || made[n - 1] == ' ')) {
        n--;
    }
    if (n == 0 || made[0] == '.') { /* bytes that were left out may have stood before a dot */
        memcpy(made, "file", 4);
        n = 4;
    }
    if (n + 1 > n_buffer) {
        return -ENOBUFS;
    }
    memcpy(buffer, made, n);
    buffer[n] = '\0';
    return (int)n;
}

/* ---- saving ---------------------------------------------------------------------------------- */

/* Gives it the name, if nobody has it. */
static int give_name(struct sunpath_form *form, struct sp_form_entry *entry, const char *name) {
    char path[32];

    if (entry->temporary) {
        if (linkat(form->directory_fd, entry->temporary, form->directory_fd, name, 0) < 0) {
            return -errno;
        }
        (void)unlinkat(form->directory_fd, entry->temporary, 0);
        return 0;
    }
    snprintf(path, sizeof(path), "/proc/self/fd/%d", entry->part.fd);
    return linkat(AT_FDCWD, path, form->directory_fd, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

/* Puts the number in front of the extension. `name` has room for MAX_NAME + N_SUFFIX bytes. */
static void put_number(char *name, const char *made, const char *format,
                       unsigned long long number) {
    const char *extension = extension_of(made);
    char suffix[N_SUFFIX];

    snprintf(suffix, sizeof(suffix), format, number);
    snprintf(name, MAX_NAME + N_SUFFIX, "%.*s%s%s", (int)(extension - made), made, suffix,
             extension);
}

/* The name, or one with a number. */
static int give_free_name(struct sunpath_form *form, struct sp_form_entry *entry, char *name) {
    char made[MAX_NAME + 1];
    uint64_t random;
    int r = give_name(form, entry, name);

    snprintf(made, sizeof(made), "%s", name);
    for (unsigned number = 1; r == -EEXIST && number <= MAX_NUMBER; number++) {
        put_number(name, made, "-%llu", number);
        r = give_name(form, entry, name);
    }
    if (r == -EEXIST && (r = random_bytes(&random, sizeof(random))) == 0) {
        put_number(name, made, "-%016llx", random);
        r = give_name(form, entry, name);
    }
    return r;
}

int sunpath_form_save(struct sunpath_form *form, size_t index, const char *name, mode_t mode,
                      const char **ret_name) {
    struct sp_form_entry *entry = index < form->n_entries ? &form->entries[index] : NULL;
    char *made;
    int r;

    if (!entry || entry->part.fd < 0) {
        return -ENOENT;
    }
    if (entry->is_saved) {
        return -EALREADY;
    }
    if (name &&
        (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)) {
        return -EINVAL;
    }
    made = sunpath_http_alloc(form->exchange, name ? strlen(name) + 1 : MAX_NAME + N_SUFFIX);
    if (!made) {
        return -ENOMEM;
    }
    if (mode != 0 && fchmod(entry->part.fd, mode) < 0) {
        return -errno;
    }
    if (name) {
        strcpy(made, name);
        r = give_name(form, entry, made);
    } else {
        (void)sunpath_form_safe_name(made, MAX_NAME + 1, entry->part.filename);
        r = give_free_name(form, entry, made);
    }
    if (r < 0) {
        return r;
    }
    entry->is_saved = true;
    if (ret_name) {
        *ret_name = made;
    }
    return 0;
}
