/* SPDX-License-Identifier: MIT */
/* addon.h - the calls and classes that addon.c exports, each by the file it is in. */

#ifndef SN_ADDON_H
#define SN_ADDON_H

#include <node_api.h>
#include <stdbool.h>

/* address.c */
napi_value sn_address_parse(napi_env env, napi_callback_info info);
napi_value sn_address_format(napi_env env, napi_callback_info info);

#endif
