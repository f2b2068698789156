"""What each vendor's software is asked: the far ends of the runners, a package for each stack."""
