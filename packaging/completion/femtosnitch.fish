# fish completion for femtosnitch
set -l commands run start stop restart status check-config doctor query version help
set -l bare "not __fish_seen_subcommand_from $commands"

complete -c femtosnitch -f
complete -c femtosnitch -l config -r -F -d 'settings file'
complete -c femtosnitch -l state-dir -r -a '(__fish_complete_directories)' -d 'directory of the log'
complete -c femtosnitch -n $bare -a run -d 'log in the foreground'
complete -c femtosnitch -n $bare -a start -d 'start the service'
complete -c femtosnitch -n $bare -a stop -d 'stop the service'
complete -c femtosnitch -n $bare -a restart -d 'stop and start'
complete -c femtosnitch -n $bare -a status -d 'does it run, and how well'
complete -c femtosnitch -n $bare -a check-config -d 'is config.json good'
complete -c femtosnitch -n $bare -a doctor -d 'what this kernel lets us see'
complete -c femtosnitch -n $bare -a query -d 'ask the log'
complete -c femtosnitch -n $bare -a version -d 'print the version'
complete -c femtosnitch -n $bare -a help -d 'print help'
set -l asking '__fish_seen_subcommand_from query'
complete -c femtosnitch -n $asking -a 'top new last program address domain losses coverage sql'
complete -c femtosnitch -n $asking -l json -d 'JSON'
complete -c femtosnitch -n $asking -l csv -d 'CSV'
complete -c femtosnitch -n $asking -l now -d 'write the open window first'
complete -c femtosnitch -n $asking -l bytes -d 'exact numbers'
complete -c femtosnitch -n $asking -l since -x -a '10m 1h 24h 7d' -d 'from'
complete -c femtosnitch -n $asking -l until -x -d 'to'
complete -c femtosnitch -n $asking -l limit -x -d 'rows'
complete -c femtosnitch -n $asking -l db -r -F -d 'ask this file'
