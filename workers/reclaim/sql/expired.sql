update guards set reclaim = null where reclaim = %(reclaim)s and not returned
