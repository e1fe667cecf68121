/* SPDX-License-Identifier: MIT */
/* file-server.c - a site of files below /, downloads below /downloads with a list, and one page
 * more. */

#include <stdio.h>
#include <sunpath/sunpath.h>

struct site {
    struct sunpath_files *pages;
    struct sunpath_files *downloads;
};

/* A name of our own for a file: /latest is whatever the newest release is called. */
static void latest(struct sunpath_http_exchange *exchange, void *user) {
    struct site *site = user;

    sunpath_http_add_header(exchange, "Content-Disposition", "attachment; filename=\"app.tar.gz\"");
    sunpath_files_serve_name(site->downloads, exchange, "app-2.0.tar.gz");
}

static int open_files(struct site *site, const char *directory, struct sunpath_error *error) {
    struct sunpath_files_options pages = SUNPATH_OPTIONS(struct sunpath_files_options);
    struct sunpath_files_options downloads = SUNPATH_OPTIONS(struct sunpath_files_options);
    static const char *const html[] = {"html", NULL};
    char path[4096];
    int r;

    pages.extensions = html; /* /about is about.html */
    pages.precompressed = true;
    pages.max_age_s = 3600;
    r = sunpath_files_open(&site->pages, directory, &pages, error);
    if (r < 0) {
        return r;
    }
    downloads.lists_directories = true;
    snprintf(path, sizeof(path), "%s/downloads", directory);
    r = sunpath_files_open(&site->downloads, path, &downloads, error);
    return r < 0 ? r : sunpath_files_add_type(site->downloads, "gz", "application/x-gtar");
}

static int open_router(struct sunpath_router **ret, struct site *site,
                       struct sunpath_error *error) {
    int r = sunpath_router_new(ret, NULL);

    if (r < 0) {
        return r;
    }
    sunpath_router_on(*ret, "GET /latest", latest, site);
    sunpath_router_mount_handler(*ret, "/downloads", sunpath_files_handler(), site->downloads,
                                 NULL);
    sunpath_router_mount_handler(*ret, "/", sunpath_files_handler(), site->pages, NULL);
    return sunpath_router_compile(*ret, error);
}

int main(int argc, char **argv) {
    struct sunpath_error error = {.text = "cannot open a loop"};
    struct sunpath_http_server *server = NULL;
    struct sunpath_router *router = NULL;
    struct sunpath_loop *loop = NULL;
    struct site site = {0};
    int status = 1;

    if (argc != 3) {
        fprintf(stderr, "usage: file-server ADDRESS DIRECTORY\n");
        return 2;
    }
    if (sunpath_loop_open(&loop) < 0 || open_files(&site, argv[2], &error) < 0 ||
        open_router(&router, &site, &error) < 0 ||
        sunpath_http_server_new(&server, loop, sunpath_router_handler(), router, NULL) < 0 ||
        sunpath_http_server_listen(server, argv[1], NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
    } else {
        status = sunpath_loop_run_until_signal(loop) < 0;
    }
    sunpath_http_server_free(server);
    sunpath_router_free(router);
    sunpath_files_close(site.pages);
    sunpath_files_close(site.downloads);
    sunpath_loop_close(loop);
    return status;
}
