/* SPDX-License-Identifier: MIT */
/* auth-table.c - passwords and tokens, and files of them. */

#include <sunpath/auth.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#ifdef SP_HAVE_CRYPT
#include <crypt.h>
#endif

#include "base/error.h"
#include "base/siphash.h"
#include "base/text.h"
#include "os/read-file.h"
#include "web/auth.h"

#define N_FILE_MAX (1024 * 1024)

struct user {
    char *name;
    char *secret; /* a hash, or the password itself */
    bool is_plain;
    bool is_proven; /* `proof` is set */
    uint64_t proof; /* of the password that was right the last time */
};

struct token {
    char *name;
    char *text;
};

struct sunpath_auth_table {
    struct user *users;
    size_t n_users;
    struct token *tokens;
    size_t n_tokens;
    uint64_t key[2]; /* for proofs */
#ifdef SP_HAVE_CRYPT
    struct crypt_data crypt;
#endif
};

/* ---- comparing ------------------------------------------------------------------------------- */

static bool is_equal(const void *a, const void *b, size_t size) {
    const volatile unsigned char *x = a, *y = b;
    unsigned char difference = 0;

    for (size_t i = 0; i < size; i++) {
        difference |= (unsigned char)(x[i] ^ y[i]);
    }
    return difference == 0;
}

bool sunpath_auth_is_equal(const char *a, const char *b) {
    size_t size = strlen(a);

    return size == strlen(b) && is_equal(a, b, size);
}

/* ---- crypt(3) -------------------------------------------------------------------------------- */

#ifdef SP_HAVE_CRYPT
/* The hash of `password` in the manner of `hash`; NULL: crypt(3) does not know that manner. */
static const char *hashed(struct sunpath_auth_table *table, const char *password,
                          const char *hash) {
    const char *result = crypt_r(password, hash, &table->crypt);

    return result && result[0] != '*' ? result : NULL;
}

/* DES, which looks at eight characters and takes nearly any text for a hash, is left out. */
static int check_hash(struct sunpath_auth_table *table, const char *hash) {
    if (hash[0] != '$') {
        return -EINVAL;
    }
#ifdef CRYPT_SALT_OK
    (void)table;
    switch (crypt_checksalt(hash)) { /* without the time that a hash takes */
    case CRYPT_SALT_INVALID:
    case CRYPT_SALT_METHOD_DISABLED:
        return -EINVAL;
    default:
        return 0;
    }
#else
    return hashed(table, "", hash) ? 0 : -EINVAL;
#endif
}

static bool is_right(struct sunpath_auth_table *table, const char *password, const char *hash) {
    const char *result = hashed(table, password, hash);

    return result && sunpath_auth_is_equal(result, hash);
}
#else
static int check_hash(struct sunpath_auth_table *table, const char *hash) {
    (void)table;
    (void)hash;
    return -EOPNOTSUPP;
}

static bool is_right(struct sunpath_auth_table *table, const char *password, const char *hash) {
    (void)table;
    (void)password;
    (void)hash;
    return false;
}
#endif

/* ---- the table ------------------------------------------------------------------------------- */

static void forget(char **secret) {
    if (*secret) {
        explicit_bzero(*secret, strlen(*secret));
    }
    free(*secret);
    *secret = NULL;
}

static struct user *find(const struct sunpath_auth_table *table, const char *name) {
    for (size_t i = 0; i < table->n_users; i++) {
        if (strcmp(table->users[i].name, name) == 0) {
            return &table->users[i];
        }
    }
    return NULL;
}

static bool is_name(const char *name) {
    return *name && !strchr(name, ':') && sp_auth_is_printable(name);
}

static int add_user(struct sunpath_auth_table *table, const char *name, const char *secret,
                    bool is_plain) {
    struct user user = {.is_plain = is_plain}, *users;

    if (find(table, name)) {
        return -EEXIST;
    }
    users = realloc(table->users, (table->n_users + 1) * sizeof(*users));
    if (!users) {
        return -ENOMEM;
    }
    table->users = users;
    user.name = strdup(name);
    user.secret = strdup(secret);
    if (!user.name || !user.secret) {
        free(user.name);
        forget(&user.secret);
        return -ENOMEM;
    }
    users[table->n_users++] = user;
    return 0;
}

int sunpath_auth_table_add_hash(struct sunpath_auth_table *table, const char *user,
                                const char *hash) {
    int r;

    if (!is_name(user)) {
        return -EINVAL;
    }
    r = check_hash(table, hash);
    return r < 0 ? r : add_user(table, user, hash, false);
}

int sunpath_auth_table_add_password(struct sunpath_auth_table *table, const char *user,
                                    const char *password) {
    if (!is_name(user) || !sp_auth_is_printable(password)) {
        return -EINVAL;
    }
    return add_user(table, user, password, true);
}

int sunpath_auth_table_add_token(struct sunpath_auth_table *table, const char *name,
                                 const char *text) {
    struct token token, *tokens;

    if (!is_name(name) || !sp_auth_is_token(text)) {
        return -EINVAL;
    }
    if (sunpath_auth_table_bearer(table, text)) {
        return -EEXIST;
    }
    tokens = realloc(table->tokens, (table->n_tokens + 1) * sizeof(*tokens));
    if (!tokens) {
        return -ENOMEM;
    }
    table->tokens = tokens;
    token.name = strdup(name);
    token.text = strdup(text);
    if (!token.name || !token.text) {
        free(token.name);
        forget(&token.text);
        return -ENOMEM;
    }
    tokens[table->n_tokens++] = token;
    return 0;
}

int sunpath_auth_table_new(struct sunpath_auth_table **ret) {
    struct sunpath_auth_table *table = calloc(1, sizeof(*table));
    ssize_t n;

    if (!table) {
        return -ENOMEM;
    }
    n = getrandom(table->key, sizeof(table->key), 0);
    if (n != (ssize_t)sizeof(table->key)) {
        int r = n < 0 ? -errno : -EIO;

        free(table);
        return r;
    }
    *ret = table;
    return 0;
}

/* Down to as many as there were. */
static void cut(struct sunpath_auth_table *table, size_t n_users, size_t n_tokens) {
    while (table->n_users > n_users) {
        struct user *last = &table->users[--table->n_users];

        free(last->name);
        forget(&last->secret);
    }
    while (table->n_tokens > n_tokens) {
        struct token *last = &table->tokens[--table->n_tokens];

        free(last->name);
        forget(&last->text);
    }
}

struct sunpath_auth_table *sunpath_auth_table_free(struct sunpath_auth_table *table) {
    if (!table) {
        return NULL;
    }
    cut(table, 0, 0);
    free(table->users);
    free(table->tokens);
    explicit_bzero(table, sizeof(*table));
    free(table);
    return NULL;
}

bool sp_auth_table_has_users(const struct sunpath_auth_table *table) {
    return table && table->n_users > 0;
}

bool sp_auth_table_has_tokens(const struct sunpath_auth_table *table) {
    return table && table->n_tokens > 0;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static bool check_hashed(struct sunpath_auth_table *table, struct user *user,
                         const char *password) {
    uint64_t proof = sp_siphash(table->key, password, strlen(password));

    if (user->is_proven && is_equal(&proof, &user->proof, sizeof(proof))) {
        return true;
    }
    if (!is_right(table, password, user->secret)) {
        return false;
    }
    user->proof = proof;
    user->is_proven = true;
    return true;
}

/* Somebody's hash for a user who is not there: any costs about the same. */
static void take_as_long(struct sunpath_auth_table *table, const char *password) {
    for (size_t i = 0; i < table->n_users; i++) {
        if (!table->users[i].is_plain) {
            (void)is_right(table, password, table->users[i].secret);
            return;
        }
    }
}

int sunpath_auth_table_check(struct sunpath_auth_table *table, const char *user,
                             const char *password) {
    struct user *found = find(table, user);
    bool may_pass;

    if (!found) {
        take_as_long(table, password);
        return -EACCES;
    }
    may_pass = found->is_plain ? sunpath_auth_is_equal(password, found->secret)
                               : check_hashed(table, found, password);
    return may_pass ? 0 : -EACCES;
}

const char *sunpath_auth_table_bearer(const struct sunpath_auth_table *table, const char *token) {
    const char *name = NULL;

    for (size_t i = 0; i < table->n_tokens; i++) { /* all of them, whichever it is */
        if (sunpath_auth_is_equal(token, table->tokens[i].text)) {
            name = table->tokens[i].name;
        }
    }
    return name;
}

/* ---- files ----------------------------------------------------------------------------------- */

static const char *why(int r, bool is_token) {
    switch (r) {
    case -EEXIST:
        return is_token ? "that token is there already" : "that user is there already";
    case -EOPNOTSUPP:
        return "built without libcrypt: hashes cannot be checked";
    case -EINVAL:
        return is_token
                   ? "not NAME:TOKEN, with letters, digits and -._~+/= in the token"
                   : "not USER:HASH with a hash that crypt(3) knows, such as htpasswd -B writes";
    default:
        return strerror(-r);
    }
}

static int add_line(struct sunpath_auth_table *table, char *line, bool is_token) {
    char *colon = strchr(line, ':');

    if (!colon) {
        return -EINVAL;
    }
    *colon = '\0';
    return is_token ? sunpath_auth_table_add_token(table, line, colon + 1)
                    : sunpath_auth_table_add_hash(table, line, colon + 1);
}

static int load(struct sunpath_auth_table *table, const char *path, bool is_token,
                struct sunpath_error *error) {
    size_t n_users = table->n_users, n_tokens = table->n_tokens;
    char *text = NULL, *rest, *line;
    struct sp_shown shown;
    unsigned number = 0;
    int r;

    sp_show(&shown, path, strlen(path));
    r = (int)sp_read_file(&text, path, N_FILE_MAX);
    if (r < 0) {
        return sp_fail(error, r, sp_reason_of_errno(r), "read", "'%s': %s", shown.text,
                       strerror(-r));
    }
    rest = text;
    while (r >= 0 && (line = strsep(&rest, "\n"))) {
        number++;
        line[strcspn(line, "\r")] = '\0';
        if (*line && *line != '#') {
            r = add_line(table, line, is_token);
        }
    }
    explicit_bzero(text, N_FILE_MAX + 2);
    free(text);
    if (r < 0) {
        cut(table, n_users, n_tokens);
        return sp_fail(error, r, SUNPATH_REASON_INVALID, "read", "'%s' line %u: %s", shown.text,
                       number, why(r, is_token));
    }
    return 0;
}

int sunpath_auth_table_load_passwords(struct sunpath_auth_table *table, const char *path,
                                      struct sunpath_error *error) {
    return load(table, path, false, error);
}

int sunpath_auth_table_load_tokens(struct sunpath_auth_table *table, const char *path,
                                   struct sunpath_error *error) {
    return load(table, path, true, error);
}
