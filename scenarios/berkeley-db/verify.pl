# SPDX-License-Identifier: MIT
# Opens the environment that fill.pl has left, with recovery, and says what is in it: verify.pl FOLDER.
use strict;
use warnings;
use BerkeleyDB;

my ($folder) = @ARGV;
my $env = BerkeleyDB::Env->new(
    -Home    => $folder,
    -Flags   => DB_CREATE | DB_INIT_MPOOL | DB_INIT_LOCK | DB_INIT_LOG | DB_INIT_TXN | DB_RECOVER,
    -ErrFile => *STDERR
) or die "environment: $BerkeleyDB::Error\n";
my $db = BerkeleyDB::Btree->new(-Filename => 'records.db', -Env => $env) or die "database: $BerkeleyDB::Error\n";

my ($first, $others, $wrong) = (0, 0, 0);
my ($key, $value) = ('', '');
my $cursor = $db->db_cursor();
while ($cursor->c_get($key, $value, DB_NEXT) == 0) {
    if ($key =~ /^first (\d+)$/) {
        $first++;
        $wrong++ if $value ne "value $1";
    } else {
        $others++;
        $wrong++ if $value ne 'x' x 400;
    }
}
print "$first first records, $others others, $wrong wrong\n";
