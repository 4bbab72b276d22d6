# Text in, image out.
compiler_src := compiler/addr.c compiler/arena.c compiler/ast.c compiler/ast_host.c \
	compiler/ast_option.c compiler/ast_pool.c compiler/ast_rule.c \
	compiler/ast_set.c compiler/ast_state.c compiler/check.c compiler/check_actions.c \
	compiler/check_anchor.c compiler/check_antispoof.c compiler/check_assert.c \
	compiler/check_context.c compiler/check_corner.c \
	compiler/check_effects.c compiler/check_entries.c compiler/check_expand.c compiler/check_host.c \
	compiler/cgroup_class.c compiler/check_label.c compiler/check_lists.c compiler/check_meta.c compiler/check_names.c compiler/check_pool.c \
	compiler/check_rule.c compiler/check_search.c compiler/check_seen.c compiler/check_set.c \
	compiler/check_state.c compiler/check_table.c compiler/compile.c \
	compiler/convert.c compiler/convert_groups.c compiler/convert_macro.c \
	compiler/convert_negated.c compiler/host_route.c \
	compiler/cover.c compiler/diag.c compiler/disasm.c compiler/emit.c compiler/expect.c \
	compiler/form.c compiler/front.c compiler/hash.c compiler/hash_bits.c compiler/hash_cells.c compiler/hash_lines.c compiler/hash_merge.c compiler/hash_rows.c compiler/hash_service.c compiler/hash_tuple.c compiler/host.c compiler/host_profile.c compiler/icmp.c \
	compiler/image_check.c compiler/image_early.c compiler/image_edit.c \
	compiler/image_effects.c compiler/image_layout.c compiler/image_read.c \
	compiler/image_write.c compiler/keyword.c compiler/lower.c \
	compiler/lower_match.c compiler/lower_rules.c compiler/macro.c compiler/pack.c compiler/model.c \
	compiler/model_match.c compiler/model_translate.c compiler/policy.c \
	compiler/print.c compiler/print_match.c compiler/print_rule.c \
	compiler/print_word.c compiler/render.c compiler/source.c \
	compiler/statement.c compiler/string_pool.c compiler/table_edit.c compiler/tag.c \
	compiler/token.c compiler/tokens.c compiler/tree.c compiler/tree_lower.c \
	compiler/tree_rule.c compiler/tunnel.c compiler/tunnel_emit.c \
	compiler/tunnel_exclude.c compiler/tunnel_guard.c compiler/tunnel_lan.c compiler/tunnel_peer.c compiler/tunnel_portal.c compiler/verify.c compiler/verify_hash.c
# In this order; see parse.y.
grammar_src := compiler/parse.y compiler/parse_rule.y compiler/parse_action.y \
	compiler/parse_report.y
# Asserts and contract, kept in an image and asked again when tables change.
compiler_src += compiler/compile_contract.c compiler/image_contract.c \
	compiler/image_corners.c compiler/image_count.c compiler/image_cover.c compiler/image_judge.c \
	compiler/image_key.c compiler/image_portal.c compiler/image_same.c compiler/image_search.c compiler/lower_assert.c \
	compiler/verify_contract.c
