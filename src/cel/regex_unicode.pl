#!/usr/bin/perl
# Writes regex_unicode.c from the Unicode data of the Perl that runs it: perl src/cel/regex_unicode.pl
use strict;
use warnings;
use File::Basename qw(dirname);
use Unicode::UCD qw(prop_invmap);

# property -> { value => [[first, last], ...] }
sub ranges_of {
	my ($starts, $values) = prop_invmap($_[0]);
	my %found;
	for my $i (0 .. $#$starts - 1) {
		push @{$found{$values->[$i]}}, [$starts->[$i], $starts->[$i + 1] - 1];
	}
	return \%found;
}

# Single code points at a distance of two (upper and lower case letters alternate) become one run of step 2.
sub runs_of {
	my @runs;
	for my $range (@{$_[0]}) {
		my ($first, $last) = @$range;
		my $prev = $runs[-1];
		if ($prev && $first == $last && $first == $prev->[1] + 2 && ($prev->[0] == $prev->[1] || $prev->[2] == 2)) {
			@$prev[1, 2] = ($first, 2);
		} else {
			push @runs, [$first, $last, 1];
		}
	}
	return \@runs;
}

my (@rows, @names);
sub add_names {
	my ($found, @wanted) = @_;
	for my $name (@wanted) {
		my $runs = runs_of($found->{$name});
		push @names, sprintf('{STR_INIT("%s"), %d, %d}', $name, scalar @rows, scalar @$runs);
		push @rows, map { sprintf('{0x%x, %d, %d}', $_->[0], $_->[1] - $_->[0], $_->[2]) } @$runs;
	}
}

my $categories = ranges_of('General_Category');
my @categories = grep { /^[A-Z][a-z]$/ && $_ ne 'Cn' } sort keys %$categories;
add_names($categories, @categories);
my $scripts = ranges_of('Script');
add_names($scripts, grep { $_ ne 'Unknown' } sort keys %$scripts);

# Simple case folding: runs with one distance between a code point and what it folds to.
my ($starts, $targets) = prop_invmap('Simple_Case_Folding');
my @folds;
for my $i (0 .. $#$starts - 1) {
	next if ref $targets->[$i] || $targets->[$i] == 0;
	for my $c ($starts->[$i] .. $starts->[$i + 1] - 1) {
		my $delta = $targets->[$i] - $starts->[$i];
		my $prev = $folds[-1];
		my $step = $prev ? $c - $prev->[1] : 0;
		if ($prev && $prev->[3] == $delta && $step <= 2 && ($prev->[0] == $prev->[1] || $prev->[2] == $step)) {
			@$prev[1, 2] = ($c, $step);
		} else {
			push @folds, [$c, $c, 1, $delta];
		}
	}
}
my @fold_rows = map { sprintf('{0x%x, 0x%x, %d, %d}', @$_) } @folds;

sub filled {
	my @lines = ("\t");
	for my $row (@_) {
		push @lines, "\t" if length($lines[-1]) + length($row) > 110;
		$lines[-1] .= ($lines[-1] eq "\t" ? '' : ' ') . "$row,";
	}
	return join("\n", @lines) . "\n";
}

my $path = dirname($0) . '/regex_unicode.c';
open(my $out, '>', $path) or die "$path: $!";
print $out "// General categories, scripts and simple case folding of Unicode @{[Unicode::UCD::UnicodeVersion()]}.\n",
	"// Written by regex_unicode.pl; do not edit.\n#include \"cel/regex_internal.h\"\n\n// clang-format off\n",
	"const struct regex_run regex_unicode_runs[] = {\n", filled(@rows), "};\n\n",
	"const struct regex_name regex_unicode_names[] = {\n", filled(@names), "};\n",
	"const size_t regex_unicode_category_count = @{[scalar @categories]};\n",
	"const size_t regex_unicode_name_count = @{[scalar @names]};\n\n",
	"const struct regex_fold regex_unicode_folds[] = {\n", filled(@fold_rows), "};\n",
	"const size_t regex_unicode_fold_count = @{[scalar @fold_rows]};\n";
close($out) or die "$path: $!";
