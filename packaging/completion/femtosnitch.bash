# bash completion for femtosnitch                                             -*- shell-script -*-
_femtosnitch()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} word command=

	COMPREPLY=()
	case $prev in
	--config)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--state-dir)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	esac
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		case $word in
		run | start | stop | restart | status | check-config | doctor | query | pg-schema | mysql-schema | verify | import | geoip | list | why | ack | mute | unmute | notify-test | version | help) command=$word ;;
		esac
	done
	case $command:$cur in
	query:-*) mapfile -t COMPREPLY < <(compgen -W "--json --csv --now --since --until --limit --bytes --state-dir --db --help" -- "$cur") ;;
	query:*) mapfile -t COMPREPLY < <(compgen -W "top new last program parents address domain notices why unacknowledged muted losses coverage sql" -- "$cur") ;;
	import:-*) mapfile -t COMPREPLY < <(compgen -W "--timezone --config --state-dir --help" -- "$cur") ;;
	import:*) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	geoip:*) mapfile -t COMPREPLY < <(compgen -W "update --url" -- "$cur") ;;
	*:-*) mapfile -t COMPREPLY < <(compgen -W "--config --state-dir" -- "$cur") ;;
	:*) mapfile -t COMPREPLY < <(compgen -W "run start stop restart status check-config doctor query pg-schema mysql-schema verify import geoip list why ack mute unmute notify-test version help" -- "$cur") ;;
	esac
}
complete -F _femtosnitch femtosnitch
