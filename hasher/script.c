// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * script.c - see script.h. One row per way of reading a command line. Options that are not in it have no
 * value behind them; a mistake here makes a wrong path, which is then not found, not a wrong hash.
 */
#include "hasher/script.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "config/wire_check.h"

/* flags of a rule */
#define WORDS 0x1    /* a single dash begins a whole word: -jar */
#define PLUS 0x2     /* +x is an option, too */
#define NEXT 0x4     /* the value of a letter is always the next argument */
#define NO_STDIN 0x8 /* without a script it does something else */
#define CODE 0x10    /* the first argument is the code itself */
#define CLASS 0x20   /* the first argument is the name of a class, unless it ends in .java */
#define DOTTED 0x40  /* the first argument is a command, unless it has a dot or a slash */

/* What an option is: the letter behind it in a rule. */
enum meaning {
	FLAG = 0,
	VALUE = 'v',  /* the rest of the word, or the next argument */
	REST = 'r',   /* the rest of the word */
	FILE_ = 'f',  /* as VALUE, and it is the script */
	INLINE = 'i', /* code */
	MODULE = 'm',
	STDIN = 's'
};

struct rule {
	const char *name;      /* of the executable, without what stands for its version */
	const char *letters;   /* in pairs: a letter, its meaning */
	const char *words[12]; /* a meaning, and behind it the option */
	const char *verb;      /* may stand before the script */
	unsigned flags;
};

#define SHELL "cissovOv", {"v--rcfile", "v--init-file"}, NULL, PLUS | NEXT
#define AWK "ffvvFv", {"f--file", "v--assign", "v--field-separator"}, NULL, CODE
#define NODE                                                                                                 \
	"", {"i-e", "i--eval",	  "i-p",       "i--print",  "i-pe",                                          \
	     "v-r", "v--require", "v--import", "v--loader", "v--experimental-loader",                        \
	     "v-C"},                                                                                         \
		NULL, WORDS
#define LOADER "", {"v--library-path", "v--preload", "v--argv0", "v--audit"}, NULL, NO_STDIN

static const struct rule rules[] = {
	{"sh", SHELL},
	{"bash", SHELL},
	{"dash", SHELL},
	{"ash", SHELL},
	{"rbash", SHELL},
	{"ksh", SHELL},
	{"mksh", SHELL},
	{"zsh", SHELL},
	{"yash", SHELL},
	{"fish", "civvdvCv", {"i--command", "v--init-command", "v--debug"}, NULL, 0},
	{"python", "cimmWvXv", {"v--check-hash-based-pycs"}, NULL, 0},
	{"pypy", "cimmWvXv", {NULL}, NULL, 0},
	{"perl", "eiEiIvCrDrFrMrmrVrWrdrirxr", {NULL}, NULL, 0},
	{"ruby", "eiIvrvCvErFrKrTrWrirxr", {NULL}, NULL, 0},
	{"node", NODE},
	{"nodejs", NODE},
	{"deno", "", {"v-c", "v--config", "v--import-map", "v-L", "v--log-level"}, "run", WORDS | DOTTED},
	{"bun", "", {"i-e", "i--eval", "i-p", "i--print", "v-r", "v--preload"}, "run", WORDS | DOTTED},
	{"php", "riBiRiEiffFfcvdvzvSvtv", {"i--run", "f--file", "v--php-ini", "v--define"}, NULL, 0},
	{"lua", "evlv", {NULL}, NULL, 0},
	{"luajit", "evlv", {NULL}, NULL, 0},
	{"tclsh", "", {NULL}, NULL, 0},
	{"wish", "", {NULL}, NULL, 0},
	{"expect", "cvff", {NULL}, NULL, 0},
	{"guile", "cisfLvlvxvev", {NULL}, NULL, 0},
	{"gjs", "ciIv", {NULL}, NULL, 0},
	{"awk", AWK},
	{"gawk", AWK},
	{"mawk", AWK},
	{"R", "", {"f--file", "f-f", "i-e"}, NULL, WORDS},
	{"pwsh", "", {"f-File", "f-f", "i-Command", "i-c", "i-EncodedCommand"}, NULL, WORDS},
	{"java",
	 "",
	 {"f-jar", "v-cp", "v-classpath", "v--class-path", "v-p", "v--module-path", "v--add-modules", "m-m",
	  "m--module"},
	 NULL,
	 WORDS | CLASS | NO_STDIN},
	{"dotnet",
	 "",
	 {"v--additionalprobingpath", "v--depsfile", "v--runtimeconfig", "v--fx-version", "v--roll-forward"},
	 "exec",
	 WORDS | DOTTED | NO_STDIN},
	{"mono", "", {"v--config"}, NULL, WORDS | NO_STDIN},
	/* a program that is given to the dynamic loader shows as the loader */
	{"ld-linux", LOADER},
	{"ld-musl", LOADER},
	{"ld.so", LOADER},
	{"ld64.so", LOADER},
};

/* The arguments, one after the other. */
struct arguments {
	const char *next, *end;
};

static const char *take(struct arguments *args)
{
	const char *word = args->next;

	if (word >= args->end)
		return NULL;
	args->next += strlen(word) + 1;
	return word;
}

static struct arguments arguments_of(const struct wire_exec *exec)
{
	const char *argv = wire_exec_argv(exec);

	return (struct arguments){argv, argv + exec->argv_len};
}

const char *script_argument(const struct wire_exec *exec, unsigned number)
{
	struct arguments args = arguments_of(exec);
	const char *word = take(&args);

	while (word && number-- > 0)
		word = take(&args);
	return word;
}

static const char *base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* python3.11, lua5.4, ld-linux-x86-64.so.2 */
static const struct rule *rule_of(const char *name)
{
	size_t i, len;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		len = strlen(rules[i].name);
		if (strncmp(name, rules[i].name, len) == 0 &&
		    (name[len] == '\0' || name[len] == '-' || name[len] == '.' ||
		     isdigit((unsigned char)name[len])))
			return &rules[i];
	}
	return NULL;
}

/* One program that is many: which, stands in its first argument, or in its second. */
static const struct rule *choose(const struct wire_exec *exec, struct arguments *args)
{
	const char *name = base(wire_exec_path(exec)), *first = take(args);

	if (strcmp(name, "busybox") != 0 && strcmp(name, "toybox") != 0)
		return rule_of(name);
	if (first && strcmp(base(first), name) == 0)
		first = take(args);
	return first ? rule_of(base(first)) : NULL;
}

/* The value of an option: what is left of its word, if anything. */
static const char *value(const struct rule *rule, const char *rest, struct arguments *args)
{
	return *rest && !(rule->flags & NEXT) ? rest : take(args);
}

/* False: the end, *found is filled. */
static bool act(struct script *found, enum meaning meaning, const struct rule *rule, const char *rest,
		struct arguments *args)
{
	switch (meaning) {
	case INLINE:
		found->source = WIRE_SCRIPT_INLINE;
		return false;
	case MODULE:
		found->source = WIRE_SCRIPT_MODULE;
		return false;
	case STDIN:
		found->source = WIRE_SCRIPT_STDIN;
		return false;
	case FILE_:
		found->path = value(rule, rest, args);
		found->source = found->path ? WIRE_SCRIPT_ARGV : WIRE_SCRIPT_NONE;
		return false;
	case VALUE:
		(void)value(rule, rest, args);
		return true;
	default:
		return true;
	}
}

/* --long, --long=VALUE, or -word. -1: it is not in the rule. */
static int take_word(struct script *found, const struct rule *rule, const char *word, struct arguments *args)
{
	size_t i, len = strcspn(word, "=");

	for (i = 0; i < sizeof(rule->words) / sizeof(rule->words[0]) && rule->words[i]; i++) {
		const char *option = rule->words[i];

		if (strlen(option + 1) != len || strncmp(option + 1, word, len) != 0)
			continue;
		return act(found, (enum meaning)option[0], rule, word[len] ? word + len + 1 : "", args);
	}
	return -1;
}

/* -abc: letters, of which one may have a value. */
static bool take_letters(struct script *found, const struct rule *rule, const char *word,
			 struct arguments *args)
{
	const char *letter, *pair;

	for (letter = word + 1; *letter; letter++) {
		for (pair = rule->letters; *pair && pair[0] != *letter; pair += 2)
			;
		if (!*pair)
			continue;
		if (!act(found, (enum meaning)pair[1], rule, letter + 1, args))
			return false;
		if (pair[1] == REST || (pair[1] == VALUE && !(rule->flags & NEXT)))
			break; /* it has eaten the word */
	}
	return true;
}

static bool is_option(const struct rule *rule, const char *word)
{
	return (word[0] == '-' || (rule->flags & PLUS && word[0] == '+')) && word[1];
}

static bool take_option(struct script *found, const struct rule *rule, const char *word,
			struct arguments *args)
{
	int rc = take_word(found, rule, word, args);

	if (rc >= 0)
		return rc;
	if (rule->flags & WORDS || strncmp(word, "--", 2) == 0)
		return true;
	return take_letters(found, rule, word, args);
}

static bool ends(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && strcmp(text + len - end_len, end) == 0;
}

/* The first argument that is no option. */
static void take_operand(struct script *found, const struct rule *rule, const char *word)
{
	if (strcmp(word, "-") == 0)
		found->source = WIRE_SCRIPT_STDIN;
	else if (rule->flags & CODE)
		found->source = WIRE_SCRIPT_INLINE;
	else if (rule->flags & CLASS && !ends(word, ".java"))
		found->source = WIRE_SCRIPT_MODULE;
	else if (!(rule->flags & DOTTED) || strpbrk(word, "./"))
		found->source = WIRE_SCRIPT_ARGV;
	if (found->source == WIRE_SCRIPT_ARGV)
		found->path = word;
}

void script_find(struct script *found, const struct wire_exec *exec)
{
	struct arguments args = arguments_of(exec);
	const struct rule *rule = choose(exec, &args);
	const char *word, *verb = rule ? rule->verb : NULL;
	bool options = true;

	*found = (struct script){WIRE_SCRIPT_NONE, NULL};
	if (!rule || !exec->argv_len)
		return;
	while ((word = take(&args))) {
		if (options && strcmp(word, "--") == 0) {
			options = false;
		} else if (options && is_option(rule, word)) {
			if (!take_option(found, rule, word, &args))
				return;
		} else if (verb && strcmp(word, verb) == 0) {
			verb = NULL;
		} else {
			take_operand(found, rule, word);
			return;
		}
	}
	if (!(rule->flags & NO_STDIN) && !(exec->flags & WIRE_EXEC_ARGV_CUT))
		found->source = WIRE_SCRIPT_STDIN;
}
