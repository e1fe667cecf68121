/* SPDX-License-Identifier: MIT */
/* descriptor.h - file descriptors on their way to and from JavaScript, owned at every moment. */

#ifndef SN_DESCRIPTOR_H
#define SN_DESCRIPTOR_H

#include "env.h"

struct sn_descriptor;

/* A number, which is the caller's, or a Descriptor. */
struct sn_given_fd {
    int fd;
    struct sn_descriptor *holder;
};

/* False with an error thrown. */
bool sn_descriptor_read(napi_env env, napi_value value, struct sn_given_fd *ret);
/* `fd` belongs to somebody else from now on: the Descriptor, if it was one, lets go of it. */
void sn_descriptor_taken(const struct sn_given_fd *given);

/* A new Descriptor, which owns `fd`; NULL when there is none, and `fd` is closed. */
napi_value sn_descriptor_new(struct sn_env *own, int fd);

#endif
