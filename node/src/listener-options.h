/* SPDX-License-Identifier: MIT */
/* listener-options.h - struct sunpath_listen_options from JavaScript's options. */

#ifndef SN_LISTENER_OPTIONS_H
#define SN_LISTENER_OPTIONS_H

#include <node_api.h>

#include <sunpath/listener.h>

struct sn_listen_options {
    struct sunpath_listen_options listen;
    struct sunpath_access *access; /* which `listen` points to; NULL: no rules */
    char *owner, *group;
};

/*
 * { type: 1 | 2 | 5, mode, owner, group, backlog, reusePort, sendBuffer, receiveBuffer,
 * credentials, allow: [rule], deny: [rule] }. To be
 * deinitialised in any case. False with an error thrown.
 */
bool sn_listen_options_read(napi_env env, napi_value options, struct sn_listen_options *ret);
void sn_listen_options_deinit(struct sn_listen_options *options);

/* The rules { allow, deny } alone; *ret stays NULL when there are none. */
bool sn_access_read(napi_env env, napi_value options, struct sunpath_access **ret);

#endif
