/* SPDX-License-Identifier: MIT */
/* listener-internal.h - what the files of the listener share. */

#ifndef SP_SOCK_LISTENER_INTERNAL_H
#define SP_SOCK_LISTENER_INTERNAL_H

#include <sunpath/listener.h>

#include "sock/claim.h"

struct sunpath_listener {
    int fd;
    enum sunpath_type type;
    const struct sunpath_access *access; /* borrowed */
    uint64_t n_refused;
    int send_buffer, receive_buffer; /* of connections, in bytes; 0: leave */
    struct sp_claim claim;           /* held only when the file at the path is ours to remove */
    struct stat file;                /* which file that is: st_dev and st_ino */
    pid_t pid;                       /* the process that opened it: forked ones share it */
    struct sunpath_address address;
};

/* An empty one, with no descriptor. -ENOMEM. */
int sp_listener_new(struct sunpath_listener **ret, const struct sunpath_address *address,
                    struct sunpath_error *error);

/* For _cleanup_: closes it as sunpath_listener_close() does. */
void sp_listener_closep(struct sunpath_listener **listener);

/* Copies the caller's options (NULL: the defaults) and checks them. -EINVAL. */
int sp_listen_options_read(struct sunpath_listen_options *ret,
                           const struct sunpath_listen_options *options,
                           struct sunpath_error *error);

/*
 * -EINVAL when the options want a mode or an owner for a name without a file: whoever asks for them
 * would believe that they guard something.
 */
int sp_listen_check_rights(const struct sunpath_address *address,
                           const struct sunpath_listen_options *options,
                           struct sunpath_error *error);

/* What listen(2) takes for the option `backlog`. */
int sp_listen_backlog(const struct sunpath_listen_options *options);

/* Makes listener->fd of listener->type, set up as `options` want it: buffer sizes, credentials. */
int sp_listener_socket(struct sunpath_listener *listener, int domain,
                       const struct sunpath_listen_options *options, struct sunpath_error *error);
int sp_listener_set_up(int fd, const struct sunpath_listen_options *options,
                       struct sunpath_error *error);

/* Publish listener->address on a listener without a descriptor. On failure nothing is left. */
int sp_listener_publish_path(struct sunpath_listener *listener,
                             const struct sunpath_listen_options *options,
                             struct sunpath_error *error);
int sp_listener_publish_tcp(struct sunpath_listener *listener,
                            const struct sunpath_listen_options *options,
                            struct sunpath_error *error);

/* Wraps a descriptor that listens already: listener-adopt.c. `options` have been read. */
int sp_listener_adopt(struct sunpath_listener **ret, int fd,
                      const struct sunpath_listen_options *options, struct sunpath_error *error);

/* The number of the activation descriptor called `name` (empty: the only one): activation.c. */
int sp_activation_find(int *ret_fd, const char *name, struct sunpath_error *error);

#endif
