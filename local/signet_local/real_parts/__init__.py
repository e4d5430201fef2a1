"""Programs that are not ours and stand around Signet in the demo and the tests."""
