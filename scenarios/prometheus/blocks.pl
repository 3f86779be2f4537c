# SPDX-License-Identifier: MIT
# blocks.pl DIRECTORY COPIES: copies every block of a Prometheus store, so that it has COPIES of each.
use strict;
use warnings;

sub content { my ($path) = @_; open(my $in, '<', $path) or die "$path: $!\n"; local $/; return scalar <$in>; }
sub store { my ($path, $text) = @_; open(my $out, '>', $path) or die "$path: $!\n"; print {$out} $text; close($out) or die "$path: $!\n"; }

my ($store, $copies) = @ARGV;
my $made = 0;
# Blocks in the order of time. A copy's name (a ULID) sorts in that order too: Prometheus opens them by name.
for my $block (sort { $a->{from} <=> $b->{from} } map { { folder => $_, from => content("$_/meta.json") =~ /"minTime": (\d+)/ } } glob("$store/*/")) {
  my ($index, $chunks, $meta) = map { content("$block->{folder}/$_") } qw(index chunks/000001 meta.json);
  for (2 .. $copies) {
    my $name = sprintf('01H%023d', ++$made);
    mkdir("$store/$name") && mkdir("$store/$name/chunks") or die "$store/$name: $!\n";
    (my $renamed = $meta) =~ s/"ulid": "\w+"/"ulid": "$name"/;
    store("$store/$name/index", $index);
    store("$store/$name/chunks/000001", $chunks);
    store("$store/$name/tombstones", content("$block->{folder}/tombstones"));
    store("$store/$name/meta.json", $renamed);
  }
}
