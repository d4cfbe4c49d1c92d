// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * words.c - see words.h.
 */
#include "store/notify/words.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "config/utf8.h"

static const struct kind {
	const char *kind, *title; /* %s: the name */
	const char *icon;	  /* freedesktop.org's names */
	enum words_urgency urgency;
} kinds[] = {
	{"new", "New on the network: %s", "dialog-information", WORDS_NORMAL},
	{"changed", "Changed program on the network: %s", "dialog-warning", WORDS_URGENT},
	{"parent", "Starts network programs: %s", "dialog-information", WORDS_LOW},
	{"verdict", "VirusTotal warns of %s", "dialog-error", WORDS_URGENT},
	{"error", "femtosnitch has a problem", "dialog-error", WORDS_NORMAL},
	{"loss", "femtosnitch did not see everything", "dialog-warning", WORDS_LOW},
	{"", "femtosnitch: %s", "dialog-information", WORDS_NORMAL}, /* of a newer system's side */
};

static const struct kind *find(const char *kind)
{
	const struct kind *k = kinds;

	while (k->kind[0] && strcmp(k->kind, kind) != 0)
		k++;
	return k;
}

static bool is_changed(const struct notice *n)
{
	return strcmp(n->kind, "changed") == 0;
}

static bool is_update(const struct notice *n)
{
	return is_changed(n) && n->package && n->explained && strcmp(n->explained, "yes") == 0;
}

enum words_urgency words_urgency(const struct notice *n)
{
	return is_update(n) ? WORDS_LOW : find(n->kind)->urgency;
}

/* ---- foreign text */

/* A server that says it knows no markup may read it all the same (dunst does, by its settings). */
static char *without_brackets(const char *text)
{
	GString *s = g_string_new(NULL);

	for (; *text; text++)
		if (*text == '<')
			g_string_append(s, "\u2039");
		else if (*text == '>')
			g_string_append(s, "\u203a");
		else
			g_string_append_c(s, *text);
	return g_string_free(s, FALSE);
}

/* For a body; g_free(). NULL stays NULL. */
static char *safe(const char *text, bool markup)
{
	char buf[WORDS_BODY_MAX];

	if (!text || !*text)
		return NULL;
	utf8_escape(buf, sizeof(buf), text, strlen(text));
	return markup ? g_markup_escape_text(buf, -1) : without_brackets(buf);
}

/* For a title, which is never read as markup. */
static void plain(char buf[WORDS_TITLE_MAX], const char *text)
{
	utf8_escape(buf, WORDS_TITLE_MAX, text, strlen(text));
}

/* Takes line, which may be NULL. */
static void add_line(GString *body, char *line)
{
	if (line && *line)
		g_string_append_printf(body, "%s%s", body->len ? "\n" : "", line);
	g_free(line);
}

/* ---- sentences */

/* "curl 7.88.1-10" */
static char *package(const struct notice *n)
{
	return g_strdup_printf("%s%s%s", n->package, n->version ? " " : "", n->version ?: "");
}

static char *update_title(const struct notice *n)
{
	char *what = package(n), buf[WORDS_TITLE_MAX], by[WORDS_TITLE_MAX], *title;

	plain(buf, what);
	plain(by, n->manager ?: "a package manager");
	title = n->packages > 1 ? g_strdup_printf("%s updated %lld packages, %s among them", by,
						  (long long)n->packages, buf)
				: g_strdup_printf("%s updated %s", by, buf);
	g_free(what);
	return title;
}

static char *update_body(const struct notice *n, bool markup)
{
	char *exe, *body;

	if (n->members > 1)
		return g_strdup_printf("%lld programs have new contents, all as the package%s brought them.",
				       (long long)n->members, n->packages > 1 ? "s" : "");
	exe = safe(n->exe, markup);
	body = g_strdup_printf("%s has new contents, as the package brought them.", exe ?: "A program");
	g_free(exe);
	return body;
}

/* Why a change is worth a look. */
static char *suspicion(const struct notice *n, bool markup)
{
	char *what, *safe_what, *line;

	if (!n->package)
		return g_strdup("Its contents are not those it had, and no package brought them.");
	what = package(n);
	safe_what = safe(what, markup);
	line = g_strdup_printf("Its contents are not those that its package (%s) brought.", safe_what);
	g_free(what);
	g_free(safe_what);
	return line;
}

static char *title_of(const struct notice *n, unsigned count)
{
	const struct kind *k = find(n->kind);
	char name[WORDS_TITLE_MAX], *title;

	plain(name, n->name ?: n->exe ?: "");
	if (!strstr(k->title, "%s"))
		title = g_strdup(k->title);
	else if (!*name)
		title = g_strdup("femtosnitch");
	else
		title = g_strdup_printf("%.*s%s", (int)(strstr(k->title, "%s") - k->title), k->title, name);
	if (count > 1) {
		char *once = title;

		title = g_strdup_printf("%s (%u times)", once, count);
		g_free(once);
	}
	return title;
}

void words_of(struct words *w, const struct notice *n, unsigned count, bool markup)
{
	GString *body = g_string_new(NULL);
	char *user;

	*w = (struct words){.icon = find(n->kind)->icon, .urgency = words_urgency(n)};
	if (is_update(n)) {
		w->icon = "dialog-information";
		w->title = update_title(n);
		add_line(body, update_body(n, markup));
		w->body = g_string_free(body, FALSE);
		return;
	}
	w->title = title_of(n, count);
	add_line(body, safe(n->exe, markup));
	if (is_changed(n))
		add_line(body, suspicion(n, markup));
	add_line(body, safe(n->text, markup));
	user = safe(n->user, markup);
	if (user)
		g_string_append_printf(body, "\nuser %s", user);
	g_free(user);
	w->body = g_string_free(body, FALSE);
}

void words_of_rest(struct words *w, const struct words_rest *rest, bool markup)
{
	*w = (struct words){.icon = "dialog-information", .urgency = WORDS_NORMAL};
	if (rest->urgent) {
		w->icon = "dialog-warning";
		w->urgency = WORDS_URGENT;
		w->title = g_strdup_printf("%u more on the network, %u of them changed by no package",
					   rest->count, rest->urgent);
	} else {
		w->title = g_strdup_printf(rest->waited ? "%u programs new or changed while nobody looked"
							: "%u more on the network",
					   rest->count);
	}
	w->body = safe(rest->names, markup) ?: g_strdup("");
}

void words_free(struct words *w)
{
	g_free(w->title);
	g_free(w->body);
}
