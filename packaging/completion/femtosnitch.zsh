#compdef femtosnitch
# zsh completion for femtosnitch

local context state state_descr line
typeset -A opt_args

_arguments -C \
	'--config[settings file]:file:_files' \
	'--state-dir[directory of the log]:directory:_files -/' \
	'1:command:((run\:"log in the foreground" start\:"start the service" stop\:"stop the service"
		restart\:"stop and start" status\:"does it run, and how well" check-config\:"is config.json good"
		doctor\:"what this kernel lets us see" query\:"ask the log" pg-schema\:"SQL for a PostgreSQL server" mysql-schema\:"SQL for a MariaDB server" verify\:"was the log changed" import\:"take over what picosnitch knew" geoip\:"fetch databases of countries and networks" version\:"print the version"
		list\:"programs that are new or muted" why\:"why it was told or not" ack\:"this program is known"
		notify-test\:"show one bubble" mute\:"say nothing about it" unmute\:"speak of it again" help\:"print help"))' \
	'*:: :->rest'

if [[ $state == rest && $words[1] == query ]]; then
	_arguments \
		'--json[JSON]' '--csv[CSV]' '--now[write the open window first]' '--bytes[exact numbers]' \
		'--since[from]:time:(10m 1h 24h 7d)' '--until[to]:time:' '--limit[rows]:number:' '--db[ask this file]:file:_files' \
		'1:question:(top new last program parents address domain notices why unacknowledged muted losses coverage sql)'
elif [[ $state == rest && $words[1] == import ]]; then
	_arguments '--timezone[where picosnitch 1 ran]:zone:' '*:file:_files'
fi
