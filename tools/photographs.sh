#!/usr/bin/env bash
# Fetches the photographs that the shipped codecs were trained on into a folder,
# with their licences: those among the wallpapers of Debian 12, 38 in all. What
# is drawn is left out. Needs apt-get and the network.
#
#     tools/photographs.sh FOLDER
set -euo pipefail

readonly folder=${1:?usage: tools/photographs.sh FOLDER}
readonly packages=(
  mate-backgrounds lomiri-wallpapers-16.04 lomiri-wallpapers-20.04
  plasma-workspace-wallpapers
)
readonly nature=(
  Aqua Blinds Dune FreshFlower Garden GreenMeadow LadyBird RainDrops Storm
  TwoWings Wood YellowFlower
)
readonly plasma=(
  BytheWater ColdRipple ColorfulCups DarkestHour EveningGlow FallenLeaf Grey Kite
  OneStandsOut Path summer_1am
)
readonly lomiri=(
  Bridge_by_Sander_Klootwijk Dragonfly_by_Bolly Kleiber_by_Lukas_Baubkus
  Picture_0B_by_freespace Picture_1A_by_freespace Wine_by_Jakkub_Mede
  aitzgorri_by_Aitzol_Berasategi analogpattern_by_Peter_Nerlich
  free_by_Peter_Nerlich friends_by_Aitzol_Berasategi greentock_by_Peter_Nerlich
  life_by_Aitzol_Berasategi picosdeeuropa_by_Aitzol_Berasategi
  seeding_by_Clements_Engelhardt sunset_by_Aitzol_Berasategi
)

mkdir -p "$folder"
out=$(cd "$folder" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}"
for package in *.deb; do
  dpkg -x "$package" tree
done

share=tree/usr/share
for name in "${nature[@]}"; do
  cp "$share/backgrounds/mate/nature/$name.jpg" "$out/mate_$name.jpg"
done
for name in "${plasma[@]}"; do
  cp "$share/wallpapers/$name/contents/images/2560x1600.jpg" \
    "$out/plasma_$name.jpg"
done
for name in "${lomiri[@]}"; do
  cp "$share/backgrounds/$name.jpg" "$out/lomiri_$name.jpg"
done
for package in "${packages[@]}"; do
  cp "$share/doc/$package/copyright" "$out/$package.copyright"
done
ls "$out"/*.jpg | wc -l | xargs printf "%s photographs in $out\n"
