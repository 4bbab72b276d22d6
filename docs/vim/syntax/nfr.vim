" SPDX-License-Identifier: BSD-2-Clause
" nfr.vim: policies in colour. tests/docs/vim.sh compares the words with
" compiler/keywords.def and timeouts.def.
if exists('b:current_syntax')
	finish
endif
syntax iskeyword @,48-57,_,-,.

syntax keyword nfrPass pass
syntax keyword nfrBlock block drop return return-icmp return-icmp6 return-rst
syntax keyword nfrStatement match set table include load scrub antispoof
syntax keyword nfrStatement anchor binat-anchor nat-anchor rdr-anchor scrub-anchor dummynet-anchor
syntax keyword nfrStatement nat rdr binat
syntax keyword nfrContract tunnel assert transport exclude link dns trusted over rebind peer lan discovery portal
syntax keyword nfrLink arp ndp dhcp eapol proxy mdns ssdp llmnr wsd
syntax keyword nfrWhere in out on from to port proto inet inet6 any all
syntax keyword nfrWhere no-route urpf-failed received-on route rdomain rtable os for
syntax keyword nfrFilter quick log matches flags fragment allow-opts tos ttl prio probability once
syntax keyword nfrFilter icmp-type icmp6-type ipv6-icmp-type code user group cgroup mark
syntax keyword nfrFilter label tag tagged queue max-pkt-rate delay
syntax keyword nfrTable const counters file persist
syntax keyword nfrRewrite nat-to rdr-to binat-to af-to route-to reply-to dup-to
syntax keyword nfrRewrite divert-to divert-reply divert-packet static-port
syntax keyword nfrRewrite bitmask least-states random round-robin source-hash sticky-address weight
syntax keyword nfrRewrite no-df random-id min-ttl max-mss set-tos reassemble
syntax keyword nfrState keep modulate synproxy state no floating if-bound sloppy no-sync pflow
syntax keyword nfrState max max-src-conn max-src-conn-rate max-src-nodes max-src-states
syntax keyword nfrState overload flush global source-track rule
syntax keyword nfrOption block-policy debug default fingerprints hostid limit loginterface
syntax keyword nfrOption optimization require-order ruleset-optimization skip state-defaults
syntax keyword nfrOption state-policy syncookies timeout
syntax keyword nfrTimeout adaptive.end adaptive.start frag icmp.error icmp.first interval
syntax keyword nfrTimeout other.first other.multiple other.single src.track tcp.closed tcp.closing
syntax keyword nfrTimeout tcp.established tcp.finwait tcp.first tcp.opening tcp.tsdiff udp.first
syntax keyword nfrTimeout udp.multiple udp.single
syntax keyword nfrRefused altq dummynet ether keepcounters

syntax match nfrComment /#.*/ contains=@Spell
syntax region nfrString start=/"/ end=/"/ contains=nfrMacro
syntax match nfrMacro /\$[A-Za-z_][A-Za-z0-9_]*/
syntax match nfrDefinition /^\s*[A-Za-z_][A-Za-z0-9_]*\ze\s*=/
syntax match nfrTableName /<[A-Za-z0-9_-]\+>/
syntax match nfrAddress /\<\d\+\(\.\d\+\)\{1,3}\(\/\d\+\)\?\>/
syntax match nfrAddress /\<[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f.:]*\(\/\d\+\)\?/
syntax match nfrNot /!/

highlight default link nfrPass Statement
highlight default link nfrBlock Exception
highlight default link nfrStatement Statement
highlight default link nfrContract PreProc
highlight default link nfrLink Constant
highlight default link nfrWhere Keyword
highlight default link nfrFilter Type
highlight default link nfrTable StorageClass
highlight default link nfrRewrite Special
highlight default link nfrState StorageClass
highlight default link nfrOption Identifier
highlight default link nfrTimeout Identifier
highlight default link nfrRefused Error
highlight default link nfrComment Comment
highlight default link nfrString String
highlight default link nfrMacro Macro
highlight default link nfrDefinition Macro
highlight default link nfrTableName Identifier
highlight default link nfrAddress Number
highlight default link nfrNot Operator

setlocal commentstring=#\ %s
let b:current_syntax = 'nfr'
