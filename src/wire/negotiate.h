/* SPDX-License-Identifier: MIT */
/* negotiate.h - what a client would like best, by its Accept fields (RFC 9110 12.5): pure
 * functions. */

#ifndef SP_WIRE_NEGOTIATE_H
#define SP_WIRE_NEGOTIATE_H

#include <stdbool.h>
#include <stddef.h>

#include "wire/uri.h"

/*
 * The fields here are lists, "a;q=0.5, b". Several fields of one name are one list: join them with
 * commas. A weight is 0 to 1000; ";q=.5" is read as meant, an element with a weight that is no
 * number is passed over. An empty field, or one with nothing readable, is as none.
 */
struct sp_accept_item {
    struct sp_slice value;      /* "text/html", without white space around it */
    struct sp_slice parameters; /* what stands before the weight: ";level=1", or "" */
    int weight;
};

/* Takes the next element and moves *at behind it. False at the end. Quoted strings are respected.
 */
bool sp_accept_next(struct sp_accept_item *ret, const char **at, const char *end);

/* The weight of a token (any case, or its alias, which may be NULL): its own, else that of "*",
 * else 0. */
int sp_accept_token_weight(struct sp_slice field, const char *token, const char *alias);
/* Its own alone, or -1. */
int sp_accept_token_weight_named(struct sp_slice field, const char *token);

/*
 * Which of `offers` a field wants: the index of the one with the highest weight; of equal ones the
 * one that is named more closely, then the one that the client names first, then the first. -1: the
 * client takes none of them. Without a field (NULL data) the first.
 *
 * Types as "application/json" or with parameters ("text/html;level=1"), ranges as RFC 9110 12.5.1.
 * Languages are tags such as "en" and "de-CH"; a range matches its tag and longer ones (RFC 4647
 * 3.3.1), and last a tag it is longer than (3.4): who asks for "de-CH" alone takes "de".
 */
int sp_accept_choose_type(struct sp_slice field, const char *const *offers, size_t n_offers);
int sp_accept_choose_language(struct sp_slice field, const char *const *offers, size_t n_offers);

#endif
