// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_script.c - command lines of interpreters, and which script each means.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hasher/script.h"

static struct {
	struct wire_exec exec;
	char text[1024];
} record;

/* The command line is one string, its arguments parted by blanks. */
static void make(const char *exe, const char *command)
{
	size_t len = strlen(command) + 1, i;
	char *to;

	memset(&record, 0, sizeof(record));
	record.exec.path_len = (__u16)(strlen(exe) + 1);
	record.exec.argv_len = len > 1 ? (__u16)len : 0;
	memcpy(record.text, exe, record.exec.path_len);
	to = record.text + record.exec.path_len;
	for (i = 0; i < len; i++)
		to[i] = command[i] == ' ' ? '\0' : command[i];
}

static void check(const char *exe, const char *command, enum wire_script source, const char *path)
{
	struct script found;

	make(exe, command);
	script_find(&found, &record.exec);
	if (found.source != source || !found.path != !path || (path && strcmp(found.path, path) != 0))
		fail_msg("%s: %s: source %u, path %s", exe, command, found.source, found.path ?: "none");
}

static const struct {
	const char *exe, *command, *path;
} named[] = {
	{"/usr/bin/bash", "bash x.sh", "x.sh"},
	{"/usr/bin/bash", "-bash /x.sh a b", "/x.sh"},
	{"/usr/bin/bash", "bash -eu -o pipefail x.sh -c", "x.sh"},
	{"/usr/bin/bash", "bash -euo pipefail x.sh", "x.sh"},
	{"/usr/bin/bash", "bash --norc --rcfile rc -- -x.sh", "-x.sh"},
	{"/usr/bin/dash", "sh +e +o nounset ./x", "./x"},
	{"/bin/busybox", "sh x.sh", "x.sh"},
	{"/bin/busybox", "busybox ash -x x.sh", "x.sh"},
	{"/usr/bin/python3.11", "python3 -u x.py -c y", "x.py"},
	{"/usr/bin/python3", "python3 -W ignore -Xdev -X utf8 -IB x.py", "x.py"},
	{"/usr/bin/python3", "whatever --check-hash-based-pycs never x.py", "x.py"},
	{"/usr/bin/perl", "perl -w -I lib -Ilib -MFoo=e -i.e x.pl", "x.pl"},
	{"/usr/bin/ruby3.1", "ruby -w -I lib -rfoo x.rb", "x.rb"},
	{"/usr/bin/node", "node --inspect --require ./a.js --import=b x.js -e", "x.js"},
	{"/usr/bin/node", "node -r a.js x.js", "x.js"},
	{"/opt/deno", "deno run --allow-net -c d.json x.ts", "x.ts"},
	{"/opt/deno", "deno x.ts", "x.ts"},
	{"/usr/bin/php8.2", "php -d a=b -f x.php y.php", "x.php"},
	{"/usr/bin/php8.2", "php -c /etc x.php", "x.php"},
	{"/usr/bin/lua5.4", "lua -l socket x.lua", "x.lua"},
	{"/usr/bin/tclsh8.6", "tclsh x.tcl", "x.tcl"},
	{"/usr/bin/mawk", "awk -F : -f x.awk file", "x.awk"},
	{"/usr/bin/gawk", "gawk --file=x.awk file", "x.awk"},
	{"/usr/lib/jvm/j/bin/java", "java -Xmx1g -cp a:b -jar x.jar -jar y.jar", "x.jar"},
	{"/usr/lib/jvm/j/bin/java", "java X.java", "X.java"},
	{"/usr/bin/dotnet", "dotnet exec --roll-forward Major x.dll", "x.dll"},
	{"/usr/bin/mono-sgen", "mono --debug x.exe", "x.exe"},
	{"/usr/lib/R/bin/exec/R", "R --no-echo --file=x.R --args a", "x.R"},
	{"/lib64/ld-linux-x86-64.so.2", "ld.so --library-path /a --argv0 b /bin/x y", "/bin/x"},
};

static void test_named(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		check(named[i].exe, named[i].command, WIRE_SCRIPT_ARGV, named[i].path);
}

static const struct {
	const char *exe, *command;
	enum wire_script source;
} others[] = {
	{"/usr/bin/bash", "bash -c x.sh y.sh", WIRE_SCRIPT_INLINE},
	{"/usr/bin/bash", "bash -lc x.sh", WIRE_SCRIPT_INLINE},
	{"/usr/bin/bash", "bash -s x.sh", WIRE_SCRIPT_STDIN},
	{"/usr/bin/bash", "bash", WIRE_SCRIPT_STDIN},
	{"/usr/bin/bash", "-bash -i", WIRE_SCRIPT_STDIN},
	{"/usr/bin/bash", "bash -o", WIRE_SCRIPT_STDIN},
	{"/usr/bin/python3.11", "python3 -Ic x.py", WIRE_SCRIPT_INLINE},
	{"/usr/bin/python3.11", "python3 -m http.server", WIRE_SCRIPT_MODULE},
	{"/usr/bin/python3.11", "python3 -", WIRE_SCRIPT_STDIN},
	{"/usr/bin/perl", "perl -ne print x.pl", WIRE_SCRIPT_INLINE},
	{"/usr/bin/perl", "perl -le print", WIRE_SCRIPT_INLINE},
	{"/usr/bin/node", "node --eval=x y.js", WIRE_SCRIPT_INLINE},
	{"/usr/bin/mawk", "awk {print} x", WIRE_SCRIPT_INLINE},
	{"/usr/bin/java", "java -cp a com.example.Main", WIRE_SCRIPT_MODULE},
	{"/usr/bin/java", "java -version", WIRE_SCRIPT_NONE},
	{"/usr/bin/java", "java -jar", WIRE_SCRIPT_NONE},
	{"/opt/deno", "deno test", WIRE_SCRIPT_NONE},
	{"/usr/bin/dotnet", "dotnet build", WIRE_SCRIPT_NONE},
	{"/usr/bin/curl", "bash x.sh", WIRE_SCRIPT_NONE},
	{"/usr/bin/pythonic", "python x.py", WIRE_SCRIPT_NONE},
	{"/usr/bin/bashful", "bash x.sh", WIRE_SCRIPT_NONE},
	{"/bin/busybox", "busybox", WIRE_SCRIPT_NONE},
	{"/bin/busybox", "wget x.sh", WIRE_SCRIPT_NONE},
	{"/bin/bash", "", WIRE_SCRIPT_NONE},
	{"", "bash x.sh", WIRE_SCRIPT_NONE},
};

static void test_others(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		check(others[i].exe, others[i].command, others[i].source, NULL);
}

/* What was cut off may have been the script. */
static void test_cut(void **state)
{
	struct script found;

	(void)state;
	make("/usr/bin/python3", "python3 -u");
	record.exec.flags = WIRE_EXEC_ARGV_CUT;
	script_find(&found, &record.exec);
	assert_int_equal(found.source, WIRE_SCRIPT_NONE);
}

static void test_argument(void **state)
{
	(void)state;
	make("/x", "a bb c");
	assert_string_equal(script_argument(&record.exec, 0), "a");
	assert_string_equal(script_argument(&record.exec, 2), "c");
	assert_null(script_argument(&record.exec, 3));
	make("/x", "");
	assert_null(script_argument(&record.exec, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_argument),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
