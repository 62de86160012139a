"""What real processes do: killed, interrupted, starved of disk, two at once, given hostile graphs."""
