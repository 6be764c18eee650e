#!/usr/bin/env bash
# Checks a published release without our program (bash, ssh-keygen, jq, sha256sum, git, coreutils), as of VERIFY_TIME=2026-01-31T12:00:00Z if given.
#   verify.sh PUBLICATION ROOT-DIGEST ENVIRONMENT SEQ [NODE|-] [REPOSITORY]
# Out of reach of these tools: keys with a torsion part, a second spelling of a signature's number, guards, trust roots, releases or withdrawals held back.
set -euo pipefail; shopt -s inherit_errexit; export LC_ALL=C GIT_NO_REPLACE_OBJECTS=1; die() { echo "verify.sh: refused: ${*//[^[:print:]]/?}" >&2; exit 1; }
[[ $# -ge 4 && $# -le 6 && $3 =~ ^[a-z0-9_-]+$ && $4 =~ ^[1-9][0-9]{0,8}$ && ${5:--} =~ ^[a-z0-9.-]+$ ]] || { head -n 3 "$0" | tail -n 1 >&2; exit 64; }
here=$1 env=$3 seq=$4 node=${5:--} repository=${6:-} root='' domain=v1@countersign.dev now=$(date -ud "${VERIFY_TIME:-now}" +%s) tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
digest() { local sum; sum=$(sha256sum < "$1"); echo "sha256:${sum%% *}"; }; string() { printf %08X "${#1}"; printf %s "$1" | basenc --base16 -w0; } # as SSH writes it
document() { jq -acs --arg type "$2" 'select(length == 1)[0] | select(.type == $type and .v == 1)' "$1" 2> "$tmp/log" | cmp -s - "$1" && [[ -s $1 ]] || die "there is no $1, or it is no $2 in its one spelling"; }
none() { local found; found=$(jq -r "$@" 2> "$tmp/log") || found="not as it must be: $(< "$tmp/log")"; [[ -z $found ]] || die "${found%%$'\n'*}"; } # what jq finds wrong
plain=$(string ssh-ed25519) token=$(string sk-ssh-ed25519@openssh.com) number='00000040[0-9A-F]{128}' small='00000020(0[01]0{60}[08]0|E[CDE]F{60}[7F]F'
small+='|C7176A703D4DD84FBA3C0B760D10670F2A2053FA2C39CCC64EC7FD7792AC03[7F]A|26E8958FC2B227B045C3F489F2EF98F0D5DFAC05D3C63339B13802886D53FC[08]5)'
signer() { # FILE SIGNATURE PURPOSE ROOT: who signed it, or why it does not count. OpenSSH tolerates more than this.
  local lines touch; mapfile -t lines < "$2"; touch=$(jq -r 'if .require.sk_user_verification then "05" else "0[15]" end' "$4")
  [[ ${#lines[1]} =~ ^7[0-6]$ ]] && printf %s "${lines[@]:1:${#lines[@]}-2}" | base64 -d 2> "$tmp/log" > "$tmp/blob" &&
    printf '%s\n' "-----BEGIN SSH SIGNATURE-----" "$(base64 -w "${#lines[1]}" "$tmp/blob")" "-----END SSH SIGNATURE-----" | cmp -s - "$2" || { echo "spare or broken text"; return 1; }
  [[ $(basenc --base16 -w0 "$tmp/blob") =~ ^53534853494700000001(0000[0-9A-F]{4})(.+)$(string "$3")00000000$(string sha512)(00000053$plain$number|00000067$token$number$touch.{8})$ ]] &&
    ((16#${BASH_REMATCH[1]} * 2 == ${#BASH_REMATCH[2]})) || { echo "not for $3, not touched, or not the exact form"; return 1; }
  lines=${BASH_REMATCH[2]}; [[ ! $lines =~ ^($plain|$token)$small ]] || { echo "its key fits every message"; return 1; }
  jq -r --arg key " $(printf %s "$lines" | basenc --base16 -d | base64 -w0)" '.principals[] | .name + " " + (.keys[] | select(endswith($key)))' "$4" > "$tmp/allowed"
  [[ $(< "$tmp/allowed") =~ ^([a-z0-9][a-z0-9._-]*)\ (sk-)?ssh-ed25519[a-z.@]*\ [A-Za-z0-9+/=]+$ ]] || { echo "a key of nobody"; return 1; }
  ssh-keygen -Y verify -f "$tmp/allowed" -I "${BASH_REMATCH[1]}" -n "$3" -s "$2" < "$1" > "$tmp/log" 2>&1 && echo "${BASH_REMATCH[1]}" || { echo "not over these bytes"; return 1; }; }
enough() { # FILE SIGNATURES PURPOSE ROOT ROLES AUTHORS: distinct people of every role reach its threshold, authors left out
  local count at who; count=$(jq 'if type == "array" and length <= 64 then length else error end' "$2" 2> "$tmp/log") || die "no signatures in $2"
  for ((at = 0; at < count; at++)); do jq -j ".[$at]" "$2" > "$tmp/signature"
    if who=$(signer "$1" "$tmp/signature" "$3" "$4"); then echo "$who"; else echo "verify.sh: signature $((at + 1)) in $2 does not count: $who" >&2; fi; done | sort -u > "$tmp/signers"
  none --rawfile signers "$tmp/signers" --argjson roles "$5" --argjson authors "$6" --arg what "$1" '($signers | split("\n") - [""] - $authors) as $signed | $roles[] as $name |
    [.roles[] | select(.name == $name)][0] as $role | [$signed[] | select(IN($role.members[]?))] as $have | select(($role.threshold // 0) < 1 or ($have | length) < $role.threshold) |
    "\($what) needs \($role.threshold // "more") of role \($name) besides its authors and who took it back (\($authors | join(" "))), and has: \($have | join(" "))"' "$4"; }
for ((version = 1; version == 1 || 0$(test -f "$here/root/$version.json" && echo 1); version++)); do
  before=${root:-/dev/null} root=$here/root/$version.json; document "$root" root; ((version > 1)) || [[ $(digest "$root") == "$2" ]] || die "trust root 1 has the digest $(digest "$root"), not $2"
  none --slurpfile b "$before" --arg prev "$( ((version == 1)) || digest "$before")" --argjson v "$version" 'select(.version != $v or .repo != ($b[0] // .).repo or (.prev // "") != $prev) | "trust root \($v) does not follow"' "$root"
  for under in "$root" "$before"; do [[ $under == /dev/null ]] || enough "$root" "${root%json}signatures.json" "root.$domain" "$under" '["root"]' '[]'; done; done
release=$here/release/$env/$seq statement=$here/release/$env/$seq/statement.json; document "$statement" release; id=$(digest "$statement"); cat "$here/withdrawals/$env.json" > "$tmp/withdrawals" 2> "$tmp/log" || echo '[]' > "$tmp/withdrawals"
enough "$statement" "$release/signatures.json" "release.$domain" "$root" "$(jq -c '["release"] + .roles | unique' "$statement")" "$(jq -c --arg id "$id" --slurpfile list "$tmp/withdrawals" '.authors + [$list[0][].document | fromjson | select(.release == $id).by]' "$statement")"
none --slurpfile r "$root" --arg env "$env" --arg id "$id" --argjson seq "$seq" --argjson now "$now" '$r[0] as $r |
  if .repo != $r.repo or .environment != $env or .seq != $seq or (.seq == 1) != (.prev == null) then "the statement is of release \(.seq) of \(.environment) after \(.prev)"
  elif .root > $r.version or $now > ($r.expires | fromdate) then "trust root \(.root) is not here, or trust root \($r.version) expired at \($r.expires)"
  elif (.created | fromdate) > $now + $r.limits.skew or $now > ([(.expires, .created | fromdate)] | [.[0], .[1] + $r.limits.release_life] | min) then "the release was made at \(.created) and expired at \(.expires)"
  elif .policy_v < $r.limits.min_policy_v or $r.floor.environment == $env and $seq <= $r.floor.seq and [$seq, $id] != [$r.floor.seq, $r.floor.release] then "below the floor of the trust root"
  elif length != 28 or .log != null or (.supersedes | type) != "array" or .authors == [] or (.kind | IN("normal", "rollback") | not) then "the statement says what this script does not know" else empty end' "$statement"
for ((at = seq; at > 1; at--)); do older=$here/release/$env/$((at - 1))/statement.json; document "$older" release; none --slurpfile older "$older" --arg prev "$(digest "$older")" \
    'select(.prev != $prev or $older[0].seq != .seq - 1 or $older[0].environment != .environment) | "release \(.seq) does not follow the one before"' "$here/release/$env/$at/statement.json"; done
if [[ $node != - ]]; then leaf=$release/leaf/$node.json; document "$leaf" leaf
  none --arg node "$node" --slurpfile s "$statement" 'select(.node != $node or .size != $s[0].nodes or ([.index, .size, .length | numbers | select(. >= 0 and . == floor)] | length != 3) or .index >= .size
    or ([.blind, .catalog[7:], .proof[]] | length > 66 or (all(test("\\A[0-9a-f]{64}\\z")) | not))) | "the leaf is of \(.node), \(.index) of \(.size), and not of \($node)"' "$leaf"
  read -r index last length catalog blind path < <(jq -r '"\(.index) \(.size - 1) \(.length) \(.catalog[7:]) \(.blind) \(.proof | join(" "))"' "$leaf")
  hash=$(printf 'leaf.v1\n%s\n%s\n%s\n%s\n' "$node" "$catalog" "$length" "$blind" | cat <(printf '\0') - | sha256sum)
  for sibling in $path; do ((last > 0)) || die "the proof of $node is too long"; pair=${hash%% *}$sibling
    if ((index & 1 || index == last)); then pair=$sibling${hash%% *}; while ((index && !(index & 1))); do index=$((index >> 1)) last=$((last >> 1)); done; fi
    hash=$(printf '01%s' "$pair" | tr a-f A-F | basenc --base16 -d | sha256sum) index=$((index >> 1)) last=$((last >> 1)); done
  [[ $last == 0 && sha256:${hash%% *} == "$(jq -r .catalogs "$statement")" ]] || die "the leaf of $node is not in the tree that was signed"; file=$here/catalog/$catalog
  [[ -f $file && $(digest "$file") == "sha256:$catalog" && $(wc -c < "$file") == "$length" ]] || die "the catalog of $node is not the one that was signed"
  none --arg node "$node" --arg env "$env" 'select(.node != $node or .environment != $env) | "the catalog is of \(.node) in \(.environment)"' "$file"; fi
if [[ -n $repository ]]; then show() { git -C "$repository" cat-file blob "$1" 2> "$tmp/log"; }; read -r commit change source < <(jq -r '"\(.commit) \(.change)/meta:patchsets/\(.patchset) \(.source)"' "$statement")
  show "refs/releases/$env/$seq:statement.json" | cmp -s - "$statement" && [[ $commit =~ ^[0-9a-f]{40,64}$ ]] || die "the repository has no such release $seq"
  git -C "$repository" ls-tree -r "$commit" | while read -r mode _ blob path; do sum=$(show "$blob" | sha256sum); echo "$mode $path ${sum%% *}"; done > "$tmp/manifest" || die "commit $commit is not in the repository"
  [[ $(digest "$tmp/manifest") == "$source" ]] && push=$(show "refs/changes/$change/certificate") || die "commit $commit is not what was signed, or nobody signed its push"
  printf %s "${push%%-----BEGIN SSH*}" > "$tmp/push"; printf '%s\n' "-----BEGIN SSH${push#*-----BEGIN SSH}" > "$tmp/signature"; who=$(signer "$tmp/push" "$tmp/signature" git "$root") || die "its push: $who"
  [[ ${push%%-----BEGIN SSH*} =~ ^certificate\ version\ 0\.1($'\n'[^$'\n']+)*$'\n\n'[0-9a-f]+\ $commit\ refs/for/$env$'\n'$ ]] && jq -e --arg who "$who" '.authors | index($who)' "$statement" > "$tmp/log" || die "$who is no author who pushed $commit"; fi; echo "release $seq of $env is $id"
