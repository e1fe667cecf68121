/* SPDX-License-Identifier: MIT */
/* listen-options.h - the options of everything that listens, out of a JavaScript object. */

#ifndef SN_LISTEN_OPTIONS_H
#define SN_LISTEN_OPTIONS_H

#include <node_api.h>

#include <sunpath/listener.h>

struct sn_listen_options {
    struct sunpath_listen_options options;
    struct sunpath_access *access; /* of allow and deny; NULL: none */
    char *owner, *group;
};

/*
 * Reads mode, owner, group, backlog, allow, deny, reusePort, sendBuffer, receiveBuffer and type
 * ("stream", "seqpacket", "dgram"). False with an error thrown, and nothing to give back.
 */
bool sn_listen_options_read(napi_env env, napi_value options, struct sn_listen_options *ret);

/* Gives back all but what sn_listen_options_take_access() took. */
void sn_listen_options_done(struct sn_listen_options *options);

/* The rules, now the caller's: they must live as long as what listens by them. */
struct sunpath_access *sn_listen_options_take_access(struct sn_listen_options *options);

/* The rules of the arrays `allow` and `deny` in `options`; *ret is NULL when there are none. */
bool sn_access_read(napi_env env, napi_value options, struct sunpath_access **ret);

#endif
